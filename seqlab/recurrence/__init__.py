"""How do steps become time?"""

from seqlab.recurrence.stack import Stack
from seqlab.recurrence.unroll import unroll

__all__ = ["Stack", "unroll"]
