"""Series of a source in the units in which a network reads them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.artifacts import grows, load_artifacts
from seqlab.data.columns.column import Artifacts
from seqlab.data.reader import Reader, stamp
from seqlab.data.table import Table
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

    A source without a training split is all test split, and needs the units of an earlier run (`new_series`).

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
    found = time_series(tables, columns, complete=artifacts is None)
    own = "train" in tables and not grows(vocabulary)
    known = _Known(columns.group is not None, own, artifacts)
    return _in_units(found, known, columns, season, reader.source)


def new_series(table: Table, columns: SeriesColumns, season: int, artifacts: Artifacts) -> ScaledSeries:
    """Read the series of a table in the units of an earlier run; one that this run did not know in its own.

    Args:
        table: the rows.
        columns: the columns that hold series.
        season: the steps of a season.
        artifacts: those of the run.

    Raises:
        ConfigError: a column is missing, or a series never changes over a season.
    """
    found = time_series({"test": table}, columns, complete=False)
    known = _Known(columns.group is not None, False, artifacts)
    return _in_units(found, known, columns, season, table.name)


class _Known(NamedTuple):
    """The units of an earlier run.

    Attributes:
        by_name: whether series have names.
        own: whether the series are those of the run, in their order.
        artifacts: of the run; None where there is none.
    """

    by_name: bool
    own: bool
    artifacts: Artifacts | None

    def of(self, at: int, name: str) -> list[Unit] | None:
        """Return the units of the columns of a series; None where they are not known."""
        if self.artifacts is None:
            return None
        names, units = self.artifacts["series"], self.artifacts["units"]
        if self.by_name:
            at = names.index(name) if name in names else -1
        elif not self.own:
            at = 0 if len(units) == 1 else -1
        return [Unit(*unit) for unit in units[at]] if at >= 0 else None


def _in_units(
    series: Sequence[TimeSeries], known: _Known, columns: SeriesColumns, season: int, source: str | None
) -> ScaledSeries:
    scaled, units = [], []
    for at, one in enumerate(series):
        train = one.values[: one.begins[0]] if one.begins[0] else one.values
        which = f"{columns.group}={one.name}" if one.name else f"a series of {len(one.values)} values"
        found = known.of(at, one.name) or _measured(train, columns, season, f"{which} from {source}")
        values = [unit.apply(column) for unit, column in zip(found, one.values.T, strict=True)]
        scaled.append(one._replace(values=np.stack(values, axis=-1)))
        units.append(found)
    return ScaledSeries(scaled, units)


def _measured(train: np.ndarray, columns: SeriesColumns, season: int, name: str) -> list[Unit]:
    """Return the units of the columns of a training part `(N, C)`."""
    K = len(columns.values)
    units = [Unit.of(column, season) for column in train.T[:K]]
    if not all(unit.size for unit in units):
        raise ConfigError(
            f"task.season={season}: in training, {name} has no season or never changes over one"
        )
    return units + [Unit.of_input(column) for column in train.T[K:]]
