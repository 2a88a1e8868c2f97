"""In which units does a network read numbers? In those of the training split, kept with the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Scale:
    """What makes each feature one of mean 0 and deviation 1 over the steps of training.

    Attributes:
        mean: of each feature.
        deviation: the standard deviation of each; 1 where a feature never changes.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, series: Iterable[np.ndarray]) -> Scale:
        """Measure series, each `(T, F)`: every step of all of them counts the same."""
        steps = np.concatenate(list(series))
        changes = np.ptp(steps, axis=0) > 0
        deviation = np.where(changes, steps.std(axis=0, dtype=np.float64), 1.0)
        return cls(tuple(steps.mean(axis=0, dtype=np.float64).tolist()), tuple(deviation.tolist()))

    def apply(self, steps: np.ndarray) -> np.ndarray:
        """Return steps `(T, F)` in these units, float32."""
        return ((steps - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)
