"""What flowed back? Pure functions, each a tree or a trajectory in and a flat dict out."""

from seqlab.gradients.settings import Settings

__all__ = ["Settings"]
