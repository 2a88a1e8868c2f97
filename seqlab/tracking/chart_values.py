"""Values of a row in the forms that charts have: numbers, and histograms of longer lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

COUNTS = "/histogram"
"""The end of the key of a list that holds counts over equal bins of [0, 1]."""

OVER_TIME = "/log10_norm"
"""The end of the key of a list over t, which is a histogram however few t there are."""

MAX_NUMBERS = 8
"""The longest list whose numbers have a chart each, `<key>/1` and so on."""

BINS = 32
"""The number of bins of a histogram."""


class Histogram(NamedTuple):
    """Counts over bins.

    Attributes:
        counts: `(bins,)`.
        edges: `(bins + 1,)`, increasing.
    """

    counts: np.ndarray
    edges: np.ndarray


def chart_values(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Histogram]]:
    """Return the numbers and the histograms that a row becomes.

    A list of counts is a histogram already. A short list becomes numbers, `<key>/1` and so on. A longer one,
    such as the gradient norms over t, becomes the histogram of its finite values.
    """
    numbers: dict[str, Any] = {}
    histograms: dict[str, Histogram] = {}
    for key, value in row.items():
        if np.ndim(value) == 0:
            numbers[key] = value.item() if hasattr(value, "item") else value
            continue
        values = np.asarray(value, float)
        if key.endswith(COUNTS):
            histograms[key] = Histogram(values, np.linspace(0, 1, len(values) + 1))
        elif values.ndim == 1 and len(values) <= MAX_NUMBERS and not key.endswith(OVER_TIME):
            numbers |= {f"{key}/{index}": one for index, one in enumerate(values.tolist(), 1)}
        elif len(finite := values[np.isfinite(values)]):
            histograms[key] = Histogram(*np.histogram(finite, bins=BINS))
    return numbers, histograms
