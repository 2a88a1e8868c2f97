"""What did a sweep show? One study a file, called by Hydra when its sweep has ended."""

from seqlab.studies.generalisation import Generalisation
from seqlab.studies.learning import Learning
from seqlab.studies.vanishing_gradients import VanishingGradients

__all__ = ["Generalisation", "Learning", "VanishingGradients"]
