"""What flowed back? Pure functions, each a tree or a trajectory in and a flat dict out."""

from seqlab.diagnostics.settings import Settings

__all__ = ["Settings"]
