"""How do steps become time?"""

from seqlab.recurrence.remedies import NO_REMEDIES, Remedies
from seqlab.recurrence.stack import Stack
from seqlab.recurrence.truncated import Truncation
from seqlab.recurrence.unroll import unroll, zero_taps

__all__ = ["NO_REMEDIES", "Remedies", "Stack", "Truncation", "unroll", "zero_taps"]
