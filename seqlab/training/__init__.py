"""How do parameters change, and survive?"""

from seqlab.training.checkpoints import Checkpoints
from seqlab.training.devices import choose as choose_devices
from seqlab.training.devices import offer_cores
from seqlab.training.loop import train
from seqlab.training.monitor import Member
from seqlab.training.program import Program
from seqlab.training.settings import Training
from seqlab.training.state import TrainState
from seqlab.training.vectorize.family import Family, alone, functions_of
from seqlab.training.vectorize.plan import Plan

__all__ = [
    "Checkpoints",
    "Family",
    "Member",
    "Plan",
    "Program",
    "TrainState",
    "Training",
    "alone",
    "choose_devices",
    "functions_of",
    "offer_cores",
    "train",
]
