"""What does a row say? Stacked metrics of many steps become the rows that are logged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from seqlab.metrics import Mean
from seqlab.types import Metrics


class Occasional(NamedTuple):
    """A value that only some steps have.

    Attributes:
        value: the value; meaningless where it is absent.
        present: bool scalar.
    """

    value: Any
    present: Any


class Rows:
    """Turns the metrics of every step into a row each `log_every` steps.

    A row's means (losses, metrics, the share of clipped steps) are taken over the steps since the last row;
    counts are added up over them; everything else is as it was at the row's own step, and an `Occasional`
    value that was absent then is left out.
    """

    def __init__(self, log_every: int) -> None:
        """Start with nothing gathered."""
        self._log_every = log_every
        self._means: dict[str, tuple[float, float]] = {}
        self._nonfinite = 0

    def take(
        self, metrics: Metrics, told: Metrics, first_step: int, num_steps: int, last: bool
    ) -> Iterator[dict[str, Any]]:
        """Gather `num_steps` stacked steps, the first of them `first_step`, and yield the rows that are due.

        Args:
            metrics: on the host, each array's leading axis running over the steps.
            told: what the row of the last of these steps tells besides.
            first_step: the number of the first step.
            num_steps: how many leading entries are steps.
            last: whether the last of these steps is due a row whatever its number.
        """
        begun = 0
        for end in range(1, num_steps + 1):
            step = first_step + end - 1
            if step % self._log_every == 0 or (last and end == num_steps):
                self._gather(metrics, slice(begun, end))
                begun = end
                yield self._row(metrics, end - 1, step) | (_present(told) if end == num_steps else {})
        self._gather(metrics, slice(begun, num_steps))

    def _gather(self, metrics: Metrics, steps: slice) -> None:
        for key, value in metrics.items():
            if isinstance(value, Mean):
                total, weight = self._means.get(key, (0.0, 0.0))
                more = Mean(*(np.sum(sums[steps], dtype=float).item() for sums in value))
                self._means[key] = (total + more.total, weight + more.weight)
        self._nonfinite += int(metrics["grads/nonfinite"][steps].sum())

    def _row(self, metrics: Metrics, index: int, step: int) -> dict[str, Any]:
        row: dict[str, Any] = {"step": step}
        for key, value in metrics.items():
            if isinstance(value, Mean):
                total, weight = self._means.pop(key)
                row[key] = _value(total, weight)
            elif key == "grads/nonfinite":
                row[key], self._nonfinite = self._nonfinite, 0
            else:
                row[key] = value[index].tolist()
        return row


def _present(told: Metrics) -> dict[str, Any]:
    """Return what is there as numbers and lists of them."""
    values = {
        key: (value.value, value.present) if isinstance(value, Occasional) else (value, True)
        for key, value in told.items()
    }
    return {key: value.tolist() for key, (value, present) in values.items() if present}


def evaluation_row(means: Mapping[str, Mean], prefix: str) -> dict[str, float]:
    """Return the values of an evaluation under `<prefix>/<metric>`."""
    return {f"{prefix}/{name}": _value(*map(float, mean)) for name, mean in means.items()}


def _value(total: float, weight: float) -> float:
    """Return a mean; NaN where nothing was weighed."""
    return total / weight if weight else math.nan
