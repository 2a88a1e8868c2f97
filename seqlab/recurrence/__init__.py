"""How do steps become time?"""

from seqlab.recurrence.backward import FULL_BACKWARD, Backward
from seqlab.recurrence.block import Block
from seqlab.recurrence.carries import state_size
from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl
from seqlab.recurrence.settings import AUTO_SETTINGS, RecurrenceSettings
from seqlab.recurrence.stack import Stack
from seqlab.recurrence.truncated import Truncation
from seqlab.recurrence.unroll import unroll, zero_probes

__all__ = [
    "AUTO_SETTINGS",
    "FULL_BACKWARD",
    "NO_CONTROL",
    "Backward",
    "Block",
    "GradientControl",
    "RecurrenceSettings",
    "Stack",
    "Truncation",
    "state_size",
    "unroll",
    "zero_probes",
]
