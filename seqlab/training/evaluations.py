"""Evaluations of one run on the validation split: the best, the last, and how many followed the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from seqlab.tracking import RunInfo
from seqlab.training.evaluation import Means
from seqlab.types import Params

Row = Mapping[str, Any]
"""A row of metrics: `{"step": int, "eval/<metric>": number}`."""


class Average(NamedTuple):
    """Averaged parameters and their evaluation.

    Attributes:
        name: of the average, "ema" or "swa".
        means: the sums of the loss and the metrics.
        params: the averaged parameters.
    """

    name: str
    means: Means
    params: Params


class Evaluations:
    """What a run has to remember of its evaluations.

    Attributes:
        best: the best row by the goal's metric; of equal ones that of the least loss, then the earliest. The
            loss decides between equal ones because a metric that cannot rise further, such as an accuracy of
            1, would keep the first evaluation that reached it. It has the key `params` where its metrics are
            those of averaged parameters. None where there was no evaluation.
        final: the last row.
        num_since_best: how many evaluations followed the best.
    """

    def __init__(self, info: RunInfo) -> None:
        """Start without an evaluation."""
        self._info = info
        self.best: Row | None = None
        self.final: Row | None = None
        self.num_since_best = 0

    def add(self, row: Row, average: str | None = None) -> bool:
        """Add a row, and return whether it is the best so far.

        Args:
            row: the row.
            average: the name of the average of the parameters whose metrics stand in it too, as
                `eval/<average>/<metric>`; the better ones count. None for none.
        """
        self.final = row
        if average is not None:
            other = _of_average(row, average)
            row = other if self._is_better(other, row) else row
        is_best = self.best is None or self._is_better(row, self.best)
        if is_best:
            self.best, self.num_since_best = row, 0
        else:
            self.num_since_best += 1
        return is_best

    def notes(self) -> dict[str, Any]:
        """Return what `restore` needs, as JSON can hold it."""
        step = None if self.best is None else self.best["step"]
        return {
            "best_step": step,
            "best": self.best,
            "final": self.final,
            "num_since_best": self.num_since_best,
        }

    def restore(self, notes: Mapping[str, Any]) -> None:
        """Continue from the notes of a checkpoint."""
        self.best, self.final = notes["best"], notes["final"]
        self.num_since_best = notes["num_since_best"]

    def _is_better(self, row: Row, best: Row) -> bool:
        key = self._info.goal_key
        equal = row[key] == best[key] and row["eval/loss"] < best["eval/loss"]
        return equal or self._info.goal.improves(row[key], best[key])


def _of_average(row: Row, average: str) -> Row:
    """Return a row whose metrics are those of averaged parameters, which it names."""
    prefix = f"eval/{average}/"
    metrics = {f"eval/{key.removeprefix(prefix)}": row[key] for key in row if key.startswith(prefix)}
    return {**row, **metrics, "params": average}
