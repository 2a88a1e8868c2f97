"""How do steps become time?"""

from seqlab.recurrence.stack import Stack
from seqlab.recurrence.truncated import Truncation
from seqlab.recurrence.unroll import unroll, zero_taps

__all__ = ["Stack", "Truncation", "unroll", "zero_taps"]
