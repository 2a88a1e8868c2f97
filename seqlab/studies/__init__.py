"""What did a sweep show? One study a file, called by Hydra when its sweep has ended."""

from seqlab.studies.vanishing_gradients import VanishingGradients

__all__ = ["VanishingGradients"]
