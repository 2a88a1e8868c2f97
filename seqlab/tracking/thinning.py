"""Thinning of long series to what a picture shows."""

from __future__ import annotations

import numpy as np


def thinned(count: int, most: int) -> np.ndarray:
    """Return at most `most` of the numbers below `count`, evenly spaced, both ends included, int `(n,)`."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
