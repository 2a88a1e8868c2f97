"""How do parameters change, and survive?"""

from seqlab.training.checkpoints import Checkpoints
from seqlab.training.compilation_cache import use_compilation_cache
from seqlab.training.devices import choose as choose_devices
from seqlab.training.devices import offer_cores
from seqlab.training.loop import train
from seqlab.training.monitor import Monitor
from seqlab.training.plateau import Plateau
from seqlab.training.processes import Distributed
from seqlab.training.program import Program
from seqlab.training.schedules import warmup_cosine
from seqlab.training.settings import Training
from seqlab.training.state import TrainState
from seqlab.training.vectorize.compiled import compiled_functions
from seqlab.training.vectorize.family import Family, Hyperparameters
from seqlab.training.vectorize.plan import Plan

__all__ = [
    "Checkpoints",
    "Distributed",
    "Family",
    "Hyperparameters",
    "Monitor",
    "Plan",
    "Plateau",
    "Program",
    "TrainState",
    "Training",
    "choose_devices",
    "compiled_functions",
    "offer_cores",
    "train",
    "use_compilation_cache",
    "warmup_cosine",
]
