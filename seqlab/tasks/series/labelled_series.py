"""What kind of series is it? A speaker, a gesture, a digit: series of a user's own, or of an archive."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.data.splits import Example
from seqlab.data.table import Table
from seqlab.tasks.series._classification import SeriesClassification
from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class LabelledSeries(SeriesClassification):
    """Say which class a series of numbers belongs to.

    A series is a list of numbers, F = 1, or of steps with as many numbers each, F.

    Attributes:
        lengths: the column that says how many steps of each series are real, where they are padded; None
            where all of them are.
    """

    lengths: str | None = None

    def series_of(self, table: Table) -> list[Example]:
        table.require(series=self.series, **({"lengths": self.lengths} if self.lengths else {}))
        return [Example.of(_steps(self, table, index)) for index in range(len(table))]

    def prompted(self, text: str) -> Mapping[str, Sequence[Any]]:
        """Read a series as JSON has it: `[0.1, 0.2]`, or `[[0.1, 2], [0.2, 3]]`."""
        try:
            steps = json.loads(text)
        except ValueError:
            steps = None
        if not isinstance(steps, list):
            raise ConfigError(f"--prompt must be a list, as [[0.1, 2], [0.2, 3]], got {text!r}")
        return {self.series: [steps], **({self.lengths: [len(steps)]} if self.lengths else {})}


def _steps(task: LabelledSeries, table: Table, index: int) -> np.ndarray:
    """Return one series, float64 `(T, F)`."""
    try:
        steps = np.asarray(table.columns[task.series][index], np.float64)
    except (TypeError, ValueError):
        steps = np.empty(())
    if steps.ndim not in (1, 2):
        complaint = "must be a list of numbers, or of steps with as many numbers each"
        raise table.refusal(index, task.series, complaint)
    if not steps.size:
        raise table.refusal(index, task.series, "the series is empty")
    if task.lengths:
        end = table.columns[task.lengths][index]
        if not (isinstance(end, (int, np.integer)) and 1 <= end <= len(steps)):
            complaint = f"must be an integer from 1 to {len(steps)}, the steps that there are, got {end!r}"
            raise table.refusal(index, task.lengths, complaint)
        steps = steps[:end]
    steps = steps.reshape(len(steps), -1)
    finite = np.isfinite(steps)
    if not finite.all():
        at, feature = np.argwhere(~finite)[0]
        complaint = f"must hold finite numbers, got {steps[at, feature]}"
        raise table.refusal(index, f"{task.series}[{at}]", complaint)
    return steps
