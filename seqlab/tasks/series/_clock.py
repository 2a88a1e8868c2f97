"""Times of the rows of series: their order, their spacing, and resampling."""

from __future__ import annotations

import datetime
import itertools
import math
import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.table import Table
from seqlab.types import ConfigError

_GAP = 1.5
"""Rows are evenly spaced where no step of time is this often as long as the median; months differ less."""
_DATE = re.compile(r"\d{4}[-/]\d{1,2}([-/]\d{1,2})?([T ].*)?")
_CALENDAR = ("MS", "ME", "QS", "QE", "YS", "YE")
"""The spacings of a calendar whose steps are of different lengths, as aliases of pandas."""
_FORM = "a number or a date as 1990-05-01 or 1990-05-01 12:30"


class Times(NamedTuple):
    """The times of the rows of a series, in order.

    Attributes:
        values: float64 `(N,)`, seconds since 1970 of dates, else numbers.
        dates: whether they are dates.
    """

    values: np.ndarray
    dates: bool


def in_order(table: Table, column: str, rows: np.ndarray, frequency: str | None) -> tuple[Times, np.ndarray]:
    """Return the times of some rows in their order, and the rows, int `(N,)`, in that order.

    Args:
        table: the table.
        column: of times.
        rows: int `(N,)`, indices of rows of one series.
        frequency: to which rows are resampled afterwards; None to refuse gaps and doubles.

    Raises:
        ConfigError: a value is no time; or, without a frequency, two rows have one time, or a step of time is
            1.5 times as long as the median.
    """
    times = [_seconds(table, int(row), column) for row in rows]
    order = sorted(range(len(rows)), key=times.__getitem__)
    sorted_times = [times[at] for at in order]
    values, ordered = [table.columns[column][int(rows[at])] for at in order], rows[order]
    if frequency is None and len(rows) > 1:
        remedy = "set task.frequency, such as D, B, MS or h, to resample, or task.group for several series"
        steps = np.diff(sorted_times)
        for at, step in enumerate(steps.tolist()):
            if step == 0:
                complaint = f"row {table.rows[int(ordered[at])]} has the time {values[at]} too: {remedy}"
                raise table.refusal(int(ordered[at + 1]), column, complaint)
            if step > _GAP * np.median(steps):
                complaint = f"there is a gap before {values[at + 1]}, after {values[at]}: {remedy}"
                raise table.refusal(int(ordered[at + 1]), column, complaint)
    return Times(np.array(sorted_times), not all(map(_is_number, values))), ordered


def resampled(times: Times, values: np.ndarray, frequency: str) -> tuple[Times, np.ndarray]:
    """Return periods of time and the mean of values `(N, C)` in each, interpolated where there is no row.

    Args:
        times: of the rows.
        values: float64 `(N, C)`.
        frequency: an offset alias of pandas, such as h (hours), D (days), B (business days), W, MS (months).

    Raises:
        ConfigError: the frequency is none.
    """
    import pandas as pd

    index = pd.to_datetime(times.values, unit="s")
    try:
        periods = pd.DataFrame(values, index=index).resample(frequency).mean()
    except ValueError as error:
        legal = "h (hours), D (days), B (business days), W (weeks), MS (months), QS (quarters), YS (years)"
        raise ConfigError(
            f"task.frequency={frequency}: legal are aliases of pandas, such as {legal}"
        ) from error
    seconds = np.array([moment.timestamp() for moment in periods.index])
    return Times(seconds, dates=True), periods.interpolate().to_numpy(np.float64)


def following(times: Times, count: int, frequency: str | None) -> list[Any]:
    """Return the times of `count` further rows: numbers, or dates as texts.

    Rows are spaced as those of `times` are: by `frequency`, by months, quarters or years, or
    by their median distance.
    """
    steps = np.arange(1, count + 1)
    spacing = float(np.median(np.diff(times.values))) if len(times.values) > 1 else 1.0
    if not times.dates:
        return (times.values[-1] + spacing * steps).tolist()
    import pandas as pd

    index = pd.to_datetime(times.values, unit="s")
    if frequency is None and np.ptp(np.diff(times.values)) > 0:
        regular = (pd.date_range(index[0], periods=len(index), freq=name) for name in _CALENDAR)
        fits = [name for name, dates in zip(_CALENDAR, regular, strict=True) if dates.equals(index)]
        frequency = fits[0] if fits else None
    if frequency is None:
        after = pd.to_datetime(times.values[-1] + spacing * steps, unit="s")
    else:
        after = pd.date_range(index[-1], periods=count + 1, freq=frequency)[1:]
    whole_days = (after == after.normalize()).all()
    return [str(moment.date() if whole_days else moment) for moment in after]


def require_one_series(table: Table, used: Collection[str]) -> None:
    """Raise ConfigError where rows in order of time seem to be several series, one below another.

    They do where a column of dates has one date twice or goes back, or where the rows of every value of a
    column of names stand together.

    Args:
        table: the table.
        used: the columns of numbers.
    """
    for column, values in table.columns.items():
        if column in used or not all(isinstance(value, str) and value for value in values):
            continue
        if all(_DATE.fullmatch(value) for value in values):
            times = [_seconds(table, index, column) for index in range(len(table))]
            if late := next((at for at, (a, b) in enumerate(itertools.pairwise(times), 1) if b <= a), None):
                complaint = (
                    f"is not after the row before: set task.time={column}, and task.group for several series"
                )
                raise table.refusal(late, column, f"{values[late]} {complaint}")
        elif not any(_is_number(value) for value in values) and _stand_together(values):
            raise ConfigError(
                f"{table.name}: the rows of each {column} stand together, as in a file of several series: "
                f"set task.group={column}, or leave this column out of the file"
            )


def _stand_together(values: Sequence[str]) -> bool:
    runs = [(value, len(list(rows))) for value, rows in itertools.groupby(values)]
    return 1 < len(runs) == len(set(values)) and min(count for _, count in runs) > 1


def _seconds(table: Table, index: int, column: str) -> float:
    """Return a time as seconds since 1970, or as the number that it is."""
    value = table.columns[column][index]
    found = math.nan
    if isinstance(value, datetime.datetime):
        found = _timestamp(value)
    elif isinstance(value, datetime.date):
        found = _timestamp(datetime.datetime(value.year, value.month, value.day))
    elif _is_number(value):
        found = float(value)
    elif isinstance(value, str) and (match := _DATE.fullmatch(value.strip())):
        date = value.strip().replace("/", "-") + ("" if match[1] else "-01")
        try:
            found = _timestamp(datetime.datetime.fromisoformat(date))
        except ValueError:
            found = math.nan
    if not math.isfinite(found):
        raise table.refusal(index, column, f"must be {_FORM}, got {value!r}")
    return found


def _timestamp(moment: datetime.datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
