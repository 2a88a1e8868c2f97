"""How do steps become time?"""

from seqlab.recurrence.remedies import NO_REMEDIES, Remedies
from seqlab.recurrence.stack import Stack
from seqlab.recurrence.unroll import unroll, zero_taps

__all__ = ["NO_REMEDIES", "Remedies", "Stack", "unroll", "zero_taps"]
