"""Calibration: whether a network is right as often as it is confident."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NUM_BINS = 15
"""The number of bins of equal width over confidences from 0 to 1."""


class Calibration(NamedTuple):
    """Predictions in bins of their confidence, the probability of the class that is predicted.

    Attributes:
        counts: int `(M,)`, the predictions of each bin.
        confidence: float64 `(M,)`, their mean confidence; NaN where a bin is empty.
        accuracy: float64 `(M,)`, the share that is right.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, Σ_m (n_m / n) |accuracy_m − confidence_m|.

        Source: C. Guo, G. Pleiss, Y. Sun & K. Weinberger, "On calibration of modern neural networks", ICML
            2017, equation 3.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())


def calibration(confidences: np.ndarray, right: np.ndarray, num_bins: int = NUM_BINS) -> Calibration:
    """Count predictions by their confidence.

    Args:
        confidences: float `(N,)` in [0, 1], the probability of the class that is predicted.
        right: bool `(N,)`, whether it is the true class.
        num_bins: M.
    """
    bins = np.clip(np.ceil(confidences * num_bins).astype(int) - 1, 0, num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(bins, values, num_bins) / counts for values in (confidences, right)]
    return Calibration(counts, *means)
