"""Series of a source in the units in which a network reads them."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.reader import Reader
from seqlab.tasks.series._time_series import SeriesColumns, TimeSeries, Unit, time_series
from seqlab.types import ConfigError


class ScaledSeries(NamedTuple):
    """The series of a source in the units of their columns."""

    series: list[TimeSeries]
    units: list[list[Unit]]


@functools.lru_cache(maxsize=4)
def scaled_series(reader: Reader, columns: SeriesColumns, season: int, _: Any) -> ScaledSeries:
    """Read a source; the last argument changes when the source does."""
    series, units = [], []
    for name, values, begins in time_series(reader.tables(), columns):
        train = values[: begins[0]].T
        found = [Unit.of(column, season) for column in train[: len(columns.values)]]
        if not all(unit.size for unit in found):
            which = f"{columns.group}={name}" if name else f"a series of {len(values)} values"
            raise ConfigError(
                f"task.season={season}: in training, {which} from {reader.source} has no season or never "
                "changes over one"
            )
        found += [Unit.of_input(column) for column in train[len(columns.values) :]]
        scaled = [unit.apply(column) for unit, column in zip(found, values.T, strict=True)]
        series.append(TimeSeries(name, np.stack(scaled, axis=-1), begins))
        units.append(found)
    return ScaledSeries(series, units)


def shifted(x: np.ndarray, lag: int) -> np.ndarray:
    """Return what stood `lag` steps before each row of `(N, K)`; NaN where nothing did."""
    nothing = np.full((min(lag, len(x)), *x.shape[1:]), np.nan)
    return np.concatenate([nothing, x[: max(0, len(x) - lag)]])
