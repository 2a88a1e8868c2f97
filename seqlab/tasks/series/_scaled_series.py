"""Series of a source in the units in which a network reads them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.artifacts import load_artifacts
from seqlab.data.reader import Reader, stamp
from seqlab.tasks.series._time_series import SeriesColumns, TimeSeries, Unit, time_series
from seqlab.types import ConfigError


class ScaledSeries(NamedTuple):
    """The series of a source in the units of their columns."""

    series: list[TimeSeries]
    units: list[list[Unit]]

    @property
    def artifacts(self) -> dict[str, list[Any]]:
        """What `scaled_series` needs to read further data in the same units."""
        names = [one.name for one in self.series]
        return {"series": names, "units": [[list(unit) for unit in units] for units in self.units]}

    def added_to(self, artifacts: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the artifacts of an earlier run, with the series that it did not know at their end."""
        own, known = self.artifacts, set(artifacts["series"])
        new = [index for index, name in enumerate(own["series"]) if name not in known]
        return {key: [*artifacts[key], *(own[key][index] for index in new)] for key in own}


def scaled_series(
    reader: Reader, columns: SeriesColumns, season: int, vocabulary: str | None
) -> ScaledSeries:
    """Read a source in units of training, or in those of an earlier run.

    A source without a training split is all test split, and needs the units of an earlier run; a series that
    this run did not know is measured as a whole.

    Args:
        reader: of the source.
        columns: the columns that hold series.
        season: the steps of a season.
        vocabulary: the file of artifacts of an earlier run; None to measure units.

    Raises:
        ConfigError: the source cannot be read, or a series never changes over a season.
    """
    return _scaled(reader, columns, season, vocabulary, (reader.stamp(), stamp(vocabulary)))


@functools.lru_cache(maxsize=4)
def _scaled(
    reader: Reader, columns: SeriesColumns, season: int, vocabulary: str | None, _: Any
) -> ScaledSeries:
    tables, artifacts = reader.tables(), load_artifacts(vocabulary)
    known: dict[str, list[Unit]] = {}
    if artifacts is not None:
        names = artifacts["series"] if columns.group is not None else artifacts["series"][:1]
        known = {
            name: [Unit(*unit) for unit in units]
            for name, units in zip(names, artifacts["units"], strict=False)
        }
    series, units = [], []
    for name, values, begins in time_series(tables, columns, complete=artifacts is None):
        train = values[: begins[0]] if "train" in tables else values
        which = f"{columns.group}={name}" if name else f"a series of {len(values)} values"
        found = known.get(name) or _measured(train, columns, season, f"{which} from {reader.source}")
        scaled = [unit.apply(column) for unit, column in zip(found, values.T, strict=True)]
        series.append(TimeSeries(name, np.stack(scaled, axis=-1), begins))
        units.append(found)
    return ScaledSeries(series, units)


def _measured(train: np.ndarray, columns: SeriesColumns, season: int, name: str) -> list[Unit]:
    """Return the units of the columns of a training part `(N, C)`."""
    K = len(columns.values)
    units = [Unit.of(column, season) for column in train.T[:K]]
    if not all(unit.size for unit in units):
        raise ConfigError(
            f"task.season={season}: in training, {name} has no season or never changes over one"
        )
    return units + [Unit.of_input(column) for column in train.T[K:]]


def shifted(x: np.ndarray, lag: int) -> np.ndarray:
    """Return what stood `lag` steps before each row of `(N, K)`; NaN where nothing did."""
    nothing = np.full((min(lag, len(x)), *x.shape[1:]), np.nan)
    return np.concatenate([nothing, x[: max(0, len(x) - lag)]])
