"""Ranges of metrics."""

from __future__ import annotations

import math

SHARES = (
    *("accuracy", "sequence_accuracy", "frame_accuracy", "balanced_accuracy"),
    *("macro_f1", "span_f1", "coverage_90"),
)
"""The metrics from 0 to 1."""

PERCENTAGES = ("bleu", "chrf", "exact_match")
"""The metrics from 0 to 100."""

ERRORS = (
    *("cross_entropy", "bits_per_character", "bits_per_byte"),
    *("mse", "mae", "mase", "crps", "cer", "wer"),
)
"""The metrics from 0 on."""


def range_of(metric: str) -> tuple[float, float]:
    """Return the least and the largest value of a metric, as far as they are known.

    Args:
        metric: its name, which may follow others: `free_running/mse`.
    """
    name = metric.rpartition("/")[2]
    if name in SHARES:
        return 0.0, 1.0
    if name in PERCENTAGES:
        return 0.0, 100.0
    return (0.0 if name in ERRORS else -math.inf), math.inf
