"""Series in order of time, with the places where their splits begin, and their units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.splits import SHARES, require_splits
from seqlab.data.table import Table
from seqlab.metrics.forecasts import seasonal_naive_error
from seqlab.types import ConfigError

_BEGINS = (0.7, 0.85)
"""Where validation and test begin in a series, if the source does not say."""


class TimeSeries(NamedTuple):
    """One series in order of time.

    Attributes:
        values: float64 `(N,)`.
        begins: the places where validation and test begin.
    """

    values: np.ndarray
    begins: tuple[int, int]


class Unit(NamedTuple):
    """The unit in which a network reads a series: (x − mean) / size.

    Attributes:
        mean: of the training part.
        size: the mean absolute error of the seasonal naive forecast there; 0 where there is none.
    """

    mean: float
    size: float

    @classmethod
    def of(cls, values: np.ndarray, season: int) -> Unit:
        """Measure the training part of a series."""
        return cls(float(values.mean()) if len(values) else 0.0, seasonal_naive_error(values, season))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return values in this unit."""
        return (values - self.mean) / self.size


def time_series(tables: Mapping[str, Table], column: str) -> list[TimeSeries]:
    """Return the series of a source: a column of numbers is one series, a column of lists one a row.

    Where rows are lists, the validation and test splits of the source hold each series from its start.

    Raises:
        ConfigError: a value is missing, not a number or not finite; or a list of training does not begin that
            of the test split.
    """
    require_splits(tables)
    for table in tables.values():
        table.require(value=column)
    train = tables["train"]
    if not isinstance(train.columns[column][0], (list, tuple, np.ndarray)):
        return [_series_of_rows(tables, column)]
    found = []
    for index in range(len(train)):
        parts = {name: _list(table, index, column) for name, table in tables.items() if name in SHARES}
        if len(parts) == 1:
            found.append(_cut(parts["train"]))
            continue
        whole = parts["test"]
        begins = (len(parts["train"]), len(parts.get("validation", parts["train"])))
        for name, part in parts.items():
            if not np.array_equal(part, whole[: len(part)]):
                raise tables[name].refusal(index, column, "does not begin the series of the split test")
        found.append(TimeSeries(whole, begins))
    return found


def _series_of_rows(tables: Mapping[str, Table], column: str) -> TimeSeries:
    """Return the series whose values are the rows of all splits, one after another."""
    parts = [_numbers(tables[split], column) if split in tables else np.empty(0) for split in SHARES]
    whole = np.concatenate(parts)
    if len(tables) == 1:
        return _cut(whole)
    return TimeSeries(whole, (len(parts[0]), len(parts[0]) + len(parts[1])))


def _cut(values: np.ndarray) -> TimeSeries:
    first, second = (int(share * len(values)) for share in _BEGINS)
    return TimeSeries(values, (first, second))


def _list(table: Table, index: int, column: str) -> np.ndarray:
    def refusal(at: int, complaint: str) -> ConfigError:
        return table.refusal(index, f"{column}[{at}]", complaint)

    return finite(table.columns[column][index], refusal)


def _numbers(table: Table, column: str) -> np.ndarray:
    return finite(table.columns[column], lambda at, complaint: table.refusal(at, column, complaint))


def finite(values: Sequence[Any], refusal: Callable[[int, str], ConfigError]) -> np.ndarray:
    """Return values as float64 `(N,)`; raise `refusal(place, complaint)` where one is not finite."""
    numbers = np.empty(len(values))
    for at, value in enumerate(values):
        try:
            numbers[at] = math.nan if value is None else float(value)
        except (TypeError, ValueError):
            numbers[at] = math.nan
        if not math.isfinite(numbers[at]):
            raise refusal(at, f"must be a finite number, got {value!r}")
    return numbers
