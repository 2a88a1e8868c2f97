"""Series in order of time, with the places where their splits begin, and their units."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.splits import SHARES, require_splits
from seqlab.data.table import Table
from seqlab.metrics.forecasts import seasonal_naive_error
from seqlab.tasks.series._clock import Times, in_order, require_one_series, resampled
from seqlab.types import ConfigError

_BEGINS = (0.7, 0.85)
"""Where validation and test begin in a series, if the source does not say."""


class TimeSeries(NamedTuple):
    """One series in order of time.

    Attributes:
        name: of its group; "" where a source has no groups.
        values: float64 `(N, C)`, the targets and then the further inputs.
        begins: the places where validation and test begin.
        times: of the values; None where a source has none.
    """

    name: str
    values: np.ndarray
    begins: tuple[int, int]
    times: Times | None = None


@dataclasses.dataclass(frozen=True)
class SeriesColumns:
    """The columns of a source that hold series.

    Attributes:
        values: the columns that are forecast; one of them alone may hold lists, each a series.
        inputs: the columns that are read beside them.
        time: the column of times, by which rows are sorted; None where they are in order of time.
        frequency: the spacing to which a series is resampled (`_clock.resampled`); None for none.
        group: the column whose rows of equal value are one series; None where all are.
    """

    values: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    time: str | None = None
    frequency: str | None = None
    group: str | None = None

    def require(self, table: Table) -> None:
        """Raise ConfigError where a column is missing."""
        for key, names in (("value", self.values), ("inputs", self.inputs)):
            for name in names:
                table.require(**{key: name})
        for key, name in (("time", self.time), ("group", self.group)):
            if name is not None:
                table.require(**{key: name})


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

    @classmethod
    def of_input(cls, values: np.ndarray) -> Unit:
        """Measure the training part of a further input: its mean and, where it changes, its deviation."""
        changes = len(values) > 0 and np.ptp(values) > 0
        return cls(float(values.mean()) if len(values) else 0.0, float(values.std()) if changes else 1.0)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return values in this unit."""
        return (values - self.mean) / self.size


def time_series(
    tables: Mapping[str, Table], columns: SeriesColumns, complete: bool = True
) -> list[TimeSeries]:
    """Return the series of a source: rows of numbers, or a list in each row.

    Where rows are lists, the validation and test splits of the source hold each series from its start. Rows
    of numbers go on from split to split; those of a group are one series, else all are.

    Args:
        tables: the splits of the source.
        columns: the columns that hold series.
        complete: False to accept a source without a training split, whose series are of the test split.

    Raises:
        ConfigError: a value is missing, not a number or not finite; a list of training does not begin that of
            the test split; a group is not in training; or rows seem to be several series, or are not evenly
            spaced in time.
    """
    require_splits(tables, complete)
    for table in tables.values():
        columns.require(table)
    [first, *others] = columns.values
    if isinstance(next(iter(tables.values())).lists(first)[0], (list, tuple, np.ndarray)):
        keys = {"inputs": columns.inputs, "time": columns.time, "group": columns.group, "value": others}
        if key := next((key for key, value in keys.items() if value), None):
            raise ConfigError(f"task.{key} does not fit {first}, in which each row is a series")
        return _series_of_lists(tables, first)
    parts = {split: _rows_of_groups(tables[split], columns) for split in SHARES if split in tables}
    return [_joined(name, parts) for name in _groups(parts)]


def _series_of_lists(tables: Mapping[str, Table], column: str) -> list[TimeSeries]:
    lists = {
        name: [_list(table, index, value, column) for index, value in enumerate(table.lists(column))]
        for name, table in tables.items()
        if name in SHARES
    }
    found = []
    if "train" not in lists:
        return [TimeSeries("", values, (0, 0)) for values in lists["test"]]
    for index, train in enumerate(lists["train"]):
        if len(lists) == 1:
            found.append(_cut("", train))
            continue
        parts = {name: values[index] for name, values in lists.items()}
        whole = parts["test"]
        begins = (len(parts["train"]), len(parts.get("validation", parts["train"])))
        for name, part in parts.items():
            if not np.array_equal(part, whole[: len(part)]):
                raise tables[name].refusal(index, column, "does not begin the series of the split test")
        found.append(TimeSeries("", whole, begins))
    return found


def _rows_of_groups(table: Table, columns: SeriesColumns) -> dict[str, _Rows]:
    """Return the rows of each group, in order of time."""
    values = np.stack([_numbers(table, name) for name in (*columns.values, *columns.inputs)], axis=-1)
    if columns.group is None:
        groups = {"": np.arange(len(table))}
        if columns.time is None:
            require_one_series(table, (*columns.values, *columns.inputs))
    else:
        labels = np.array(table.labels(columns.group))
        groups = {str(name): np.flatnonzero(labels == name) for name in dict.fromkeys(labels.tolist())}
    if columns.time is None:
        return {name: _Rows(values[rows], None) for name, rows in groups.items()}
    found = {}
    for name, rows in groups.items():
        times, order = in_order(table, columns.time, rows, columns.frequency)
        ordered = values[order]
        if columns.frequency is not None:
            times, ordered = resampled(times, ordered, columns.frequency)
        found[name] = _Rows(ordered, times)
    return found


class _Rows(NamedTuple):
    values: np.ndarray
    times: Times | None


def _groups(parts: Mapping[str, Mapping[str, _Rows]]) -> list[str]:
    if "train" not in parts:
        return list(dict.fromkeys(name for groups in parts.values() for name in groups))
    names = list(parts["train"])
    for split, groups in parts.items():
        if unknown := next((name for name in groups if name not in parts["train"]), None):
            raise ConfigError(f"task.group: {unknown!r} of the split {split} has no rows in training")
    return names


def _joined(name: str, parts: Mapping[str, Mapping[str, _Rows]]) -> TimeSeries:
    """Return the series of a group, whose values are those of all splits, one after another."""
    if list(parts) == ["train"]:
        return _cut(name, *parts["train"][name])
    groups = [parts.get(split, {}).get(name) for split in SHARES]
    known = [rows for rows in groups if rows is not None]
    counts = [0 if rows is None else len(rows.values) for rows in groups]
    times = [rows.times for rows in known if rows.times is not None]
    joined = Times(np.concatenate([part.values for part in times]), times[0].dates) if times else None
    values = np.concatenate([rows.values for rows in known])
    return TimeSeries(name, values, (counts[0], counts[0] + counts[1]), joined)


def _cut(name: str, values: np.ndarray, times: Times | None = None) -> TimeSeries:
    first, second = (int(share * len(values)) for share in _BEGINS)
    return TimeSeries(name, values, (first, second), times)


def _list(table: Table, index: int, values: Sequence[Any], column: str) -> np.ndarray:
    def refusal(at: int, complaint: str) -> ConfigError:
        return table.refusal(index, f"{column}[{at}]", complaint)

    return finite(values, refusal)[:, None]


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
