"""Which series does a source hold? Numbers in order of time, where their splits begin, and their measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.table import Table
from seqlab.tasks.task import SPLITS
from seqlab.types import ConfigError

_SHARES = (0.7, 0.85)
"""Where validation and test begin, where the source does not say."""


class Course(NamedTuple):
    """One series in order of time.

    Attributes:
        values: float64 `(N,)`.
        begins: where validation and where the test begin.
    """

    values: np.ndarray
    begins: tuple[int, int]


class Unit(NamedTuple):
    """What a series is told in: (x − mean) / size."""

    mean: float
    size: float

    @classmethod
    def of(cls, values: np.ndarray, season: int) -> Unit:
        """Measure a series: its mean, and by what the seasonal naive forecast errs; 0 if too short."""
        if len(values) <= season:
            return cls(0.0, 0.0)
        return cls(float(values.mean()), float(np.abs(values[season:] - values[:-season]).mean()))


def courses_of(tables: Mapping[str, Table], column: str) -> list[Course]:
    """Return the series of a source, with where its splits begin.

    Raises:
        ConfigError: a value is missing, no number or not finite; or the rows of lists do not go on.
    """
    if "train" not in tables:
        raise ConfigError(f"{next(iter(tables.values())).name}: there is no split train")
    for table in tables.values():
        table.require(value=column)
    train = tables["train"]
    if not isinstance(train.columns[column][0], (list, tuple, np.ndarray)):
        parts = [_numbers(tables[s], column) if s in tables else np.empty(0) for s in SPLITS]
        whole = np.concatenate(parts)
        if len(tables) == 1:
            return [Course(whole, _cut(len(whole)))]
        return [Course(whole, (len(parts[0]), len(parts[0]) + len(parts[1])))]
    courses = []
    for index in range(len(train)):
        parts = {name: _row(table, index, column) for name, table in tables.items() if name in SPLITS}
        if len(parts) == 1:
            courses.append(Course(parts["train"], _cut(len(parts["train"]))))
            continue
        whole = parts["test"]
        begins = (len(parts["train"]), len(parts.get("validation", parts["train"])))
        for name, part in parts.items():
            if not np.array_equal(part, whole[: len(part)]):
                raise tables[name].refusal(index, column, "does not begin the series of the split test")
        courses.append(Course(whole, begins))
    return courses


def _cut(count: int) -> tuple[int, int]:
    first, second = (int(share * count) for share in _SHARES)
    return first, second


def _row(table: Table, index: int, column: str) -> np.ndarray:
    return finite(
        table.columns[column][index], lambda at, told: table.refusal(index, f"{column}[{at}]", told)
    )


def _numbers(table: Table, column: str) -> np.ndarray:
    return finite(table.columns[column], lambda at, told: table.refusal(at, column, told))


def finite(values: Sequence[Any], refusal: Callable[[int, str], ConfigError]) -> np.ndarray:
    """Return values as float64 `(N,)`; raise `refusal(place, complaint)` where one is no number."""
    numbers = np.empty(len(values))
    for at, value in enumerate(values):
        try:
            numbers[at] = math.nan if value is None else float(value)
        except (TypeError, ValueError):
            numbers[at] = math.nan
        if not math.isfinite(numbers[at]):
            raise refusal(at, f"must be a finite number, got {value!r}")
    return numbers
