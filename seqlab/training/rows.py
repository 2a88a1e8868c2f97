"""Rows of `metrics.jsonl` from the stacked metrics of many steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.metrics import Mean
from seqlab.training.evaluation import ratio
from seqlab.types import Metrics


class Rows:
    """The metrics of the steps since the last row.

    A row holds means over these steps (losses, metrics, the share of clipped steps). Every other metric is
    that of the row's own step.
    """

    def __init__(self, notes: Mapping[str, Sequence[float]] | None = None) -> None:
        """Start without steps, or with those that the notes of a checkpoint describe."""
        self._sums = {key: (total, weight) for key, (total, weight) in (notes or {}).items()}
        self._last: dict[str, Any] = {}

    def notes(self) -> dict[str, tuple[float, float]]:
        """Return the sums of the steps since the last row, as JSON can hold them."""
        return dict(self._sums)

    def add(self, metrics: Metrics, num_steps: int) -> None:
        """Add the first `num_steps` of stacked steps; the arrays are on the host."""
        for key, value in metrics.items():
            if isinstance(value, Mean):
                total, weight = (np.sum(np.asarray(part)[:num_steps], dtype=float).item() for part in value)
                before = self._sums.get(key, (0.0, 0.0))
                self._sums[key] = before[0] + total, before[1] + weight
                self._last[key] = None
            else:
                self._last[key] = value[num_steps - 1].tolist()

    def row(self, step: int, nonfinite: int = 0) -> dict[str, Any]:
        """Return the row of the last step that was added, and start the next one.

        Args:
            step: the number of that step.
            nonfinite: the elements of its gradient that are not finite.
        """
        row: dict[str, Any] = {"step": step}
        for key, value in self._last.items():
            row[key] = ratio(*self._sums.pop(key)) if key in self._sums else value
        return row | {"grads/nonfinite": nonfinite}
