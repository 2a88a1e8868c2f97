"""How do parameters change, and survive?"""

from seqlab.training.checkpoints import Checkpoints
from seqlab.training.devices import choose as choose_devices
from seqlab.training.devices import offer_cores
from seqlab.training.family import Family, alone, functions_of
from seqlab.training.loop import train
from seqlab.training.plan import Plan
from seqlab.training.program import Program
from seqlab.training.record import Member
from seqlab.training.settings import Training
from seqlab.training.state import TrainState
from seqlab.training.writing import answer, goes_on, require_writer, write_sample

__all__ = [
    "Checkpoints",
    "Family",
    "Member",
    "Plan",
    "Program",
    "TrainState",
    "Training",
    "alone",
    "answer",
    "choose_devices",
    "functions_of",
    "goes_on",
    "offer_cores",
    "require_writer",
    "train",
    "write_sample",
]
