"""Standardization of features: mean 0 and standard deviation 1 over the training split."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Standardizer:
    """Affine map that gives each feature mean 0 and standard deviation 1 over the steps of training.

        z = (x − mean) / deviation

    Attributes:
        mean: the mean of each feature.
        deviation: the standard deviation of each feature; 1 where a feature is constant.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def fit(cls, series: Iterable[np.ndarray]) -> Standardizer:
        """Measure series of shape `(T, F)`; every step of every series has the same weight."""
        steps = np.concatenate(list(series))
        changes = np.ptp(steps, axis=0) > 0
        deviation = np.where(changes, steps.std(axis=0, dtype=np.float64), 1.0)
        return cls(tuple(steps.mean(axis=0, dtype=np.float64).tolist()), tuple(deviation.tolist()))

    @classmethod
    def restore(cls, artifacts: Mapping[str, Sequence[float]]) -> Standardizer:
        """Return the standardizer that `artifacts` describe."""
        return cls(tuple(artifacts["mean"]), tuple(artifacts["deviation"]))

    def artifacts(self) -> dict[str, list[float]]:
        """Return what `restore` needs, as JSON can hold it."""
        return {"mean": list(self.mean), "deviation": list(self.deviation)}

    def apply(self, steps: np.ndarray) -> np.ndarray:
        """Standardize steps of shape `(T, F)`; the result is float32."""
        return ((steps - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)
