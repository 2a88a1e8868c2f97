"""What did a sweep show? One study a file, called by Hydra when its sweep has ended."""

from seqlab.studies.copy_memory import CopyMemory
from seqlab.studies.dyck import Dyck
from seqlab.studies.generalisation import Generalisation
from seqlab.studies.learning import Learning
from seqlab.studies.paired import Paired
from seqlab.studies.vanishing_gradients import VanishingGradients

__all__ = ["CopyMemory", "Dyck", "Generalisation", "Learning", "Paired", "VanishingGradients"]
