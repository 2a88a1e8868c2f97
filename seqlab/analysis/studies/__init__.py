"""What did a sweep show? One study per file, called by Hydra at the end of its sweep."""

from seqlab.analysis.studies.again import write_study
from seqlab.analysis.studies.atlas import Atlas
from seqlab.analysis.studies.copy_memory import CopyMemory
from seqlab.analysis.studies.dyck import Dyck
from seqlab.analysis.studies.generalisation import Generalisation
from seqlab.analysis.studies.gradient_reach import GradientReach
from seqlab.analysis.studies.learning import Learning
from seqlab.analysis.studies.paired import Paired
from seqlab.analysis.studies.published import Published
from seqlab.analysis.studies.state_sizes import StateSizes
from seqlab.analysis.studies.vanishing_gradients import VanishingGradients

__all__ = [
    "Atlas",
    "CopyMemory",
    "Dyck",
    "Generalisation",
    "GradientReach",
    "Learning",
    "Paired",
    "Published",
    "StateSizes",
    "VanishingGradients",
    "write_study",
]
