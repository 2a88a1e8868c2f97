"""Encoded source: the arrays of every split, what gives them their meaning, and what was counted."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from seqlab.data.artifacts import grows, load_artifacts
from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.mapped import map_large
from seqlab.data.reader import stamp
from seqlab.data.splits import Row, Splits, split
from seqlab.data.table import Table


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A source as numbers.

    Attributes:
        arrays: the arrays by split and name. An entry that is not a split holds what all splits share.
        artifacts: what gives the numbers their meaning; a run stores it in `vocabulary.json`.
        summary: the number of examples of each split, of dropped duplicates and so on, and the share of
            unknown symbols, for `summary.json`.
        texts: for every split, the texts that scores and baselines need, by the config key of their column.
    """

    arrays: Mapping[str, Arrays]
    artifacts: Artifacts = dataclasses.field(default_factory=dict)
    summary: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    texts: Mapping[str, Mapping[str, Sequence[Any]]] = dataclasses.field(default_factory=dict)

    def num_rows(self, split: str) -> int:
        """Return the number of rows of a split's first array."""
        return len(next(iter(self.arrays[split].values())))


class Deferred(Mapping[str, Any]):
    """A mapping that is made when it is first read."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """Take the function that makes it."""
        self._make = make

    @functools.cached_property
    def _made(self) -> Mapping[str, Any]:
        return self._make()

    def __getitem__(self, key: str) -> Any:
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


class Source(Protocol):
    """What `encode` reads; `Reader` is one. It is hashable by value."""

    def tables(self) -> dict[str, Table]:
        """Return a table for each split of the source."""
        ...

    def stamp(self) -> tuple[Any, ...]:
        """Return a value that changes when the source does."""
        ...


def encode(
    source: Source,
    columns: tuple[Column[Any], ...],
    vocabulary: str | None,
    resident_bytes: int | None = None,
) -> Encoded:
    """Read a source, split it, fit the columns on training, and return their arrays.

    Rows with the same identity of the first column are one example (`data.splits`). Equal arguments give the
    same arrays, unless a file has changed.

    With the artifacts of an earlier run, the source is read when something but them is asked for. So what the
    run learnt can be used where its data are not. A source without a training split then has only the splits
    that it has.

    Args:
        source: the source of the data.
        columns: the encoders; they are hashable by value.
        vocabulary: the artifacts that an earlier run stored, as `load_artifacts` takes them, in place of
            fitting; None to fit. Artifacts that grow keep their symbols, and get the further ones of the
            training split.
        resident_bytes: the size of the arrays above which rows stay on disk (`mapped.map_large`).

    Raises:
        ConfigError: the source or the vocabulary cannot be read, or a value is not legal.
    """
    artifacts = load_artifacts(vocabulary)
    stamps = (source.stamp(), stamp(vocabulary))
    if artifacts is None or grows(vocabulary):
        return _encode(source, columns, vocabulary, resident_bytes, stamps)

    def read() -> Encoded:
        return _encode(source, columns, vocabulary, resident_bytes, stamps)

    return Encoded(
        arrays=Deferred(lambda: read().arrays),
        artifacts=artifacts,
        summary=Deferred(lambda: read().summary),
        texts=Deferred(lambda: read().texts),
    )


@functools.lru_cache(maxsize=4)
def _encode(
    source: Source,
    columns: tuple[Column[Any], ...],
    vocabulary: str | None,
    resident_bytes: int | None,
    _: Any,
) -> Encoded:
    tables = {name: _read(table, columns) for name, table in source.tables().items()}
    artifacts = load_artifacts(vocabulary)
    fits = artifacts is None or grows(vocabulary)
    parts = split(tables, lambda table: table.columns[_ROWS], fits or "train" in tables)
    if fits:
        artifacts = _fit(parts.tables["train"], columns, artifacts)
    assert artifacts is not None
    encoded = {column.key: column.encode(parts.tables, artifacts) for column in columns}
    arrays = {
        name: {k: v for part in encoded.values() if part for k, v in part[name].items()}
        for name in parts.tables
    }
    unknown = {column.key: _unknown(column, encoded[column.key]) for column in columns}
    unknown = {key: shares for key, shares in unknown.items() if shares}
    texts = {name: _texts(table, columns) for name, table in parts.tables.items()}
    return Encoded(
        map_large(arrays, resident_bytes),
        artifacts,
        _summary(parts, columns) | ({"unknown": unknown} if unknown else {}),
        texts,
    )


def _fit(train: Table, columns: Sequence[Column[Any]], old: Artifacts | None) -> dict[str, Any]:
    """Fit the columns to the training split, or grow old artifacts by it."""
    artifacts: dict[str, Any] = {}
    for column in columns:
        artifacts |= column.fit(train) if old is None else column.grow(train, old)
    for column in columns:
        column.require_known(train, artifacts)
    return {**(old or {}), **artifacts}


def _summary(parts: Splits, columns: Sequence[Column[Any]]) -> dict[str, Any]:
    """Count the rows of every split, and those that were dropped or lose their end."""
    summary: dict[str, Any] = {name: len(table) for name, table in parts.tables.items()}
    summary["duplicates"] = parts.duplicates
    if parts.dropped:
        summary["dropped"] = parts.dropped
    if any(column.cut([]) is not None for column in columns):
        summary["cut"] = sum(_num_cut(table, columns) for table in parts.tables.values())
    for column in columns:
        summary |= column.counts(
            [value for part in parts.tables.values() for value in part.columns[column.key]]
        )
    return summary


def _unknown(column: Column[Any], encoded: Mapping[str, Arrays]) -> dict[str, float]:
    """Return the share of unknown symbols in every split; nothing for a column without symbols."""
    shares = {name: column.unknown(arrays) for name, arrays in encoded.items()}
    return {name: share for name, share in shares.items() if share is not None}


_ROWS = ""
"""The column of what decides on splits, in tables that were read; no config key is empty."""


def _read(table: Table, columns: Sequence[Column[Any]]) -> Table:
    """Return a table with the values that the columns read, merged over rows of one identity."""
    for column in columns:  # a missing column is reported before a bad value of another one
        column.require(table)
    values = {column.key: column.read(table) for column in columns}
    for column in columns:
        column.check(dataclasses.replace(table, columns=values))
    identities = [columns[0].identity(value) for value in values[columns[0].key]]
    groups = next((values[column.key] for column in columns if column.groups), identities)
    labels = [
        {label for column in columns for label in column.labels(values[column.key][index])}
        for index in range(len(table))
    ]
    decisive = [Row(*row) for row in zip(identities, groups, labels, strict=True)]
    rows: dict[str, list[int]] = {}
    for index, identity in enumerate(identities):
        rows.setdefault(identity, []).append(index)
    if len(rows) < len(identities):
        for column in columns:
            read = values[column.key]
            merged = {
                identity: column.merge([read[i] for i in indices]) for identity, indices in rows.items()
            }
            values[column.key] = [merged[identity] for identity in identities]
    return dataclasses.replace(table, columns={**values, _ROWS: decisive})


def _num_cut(table: Table, columns: Sequence[Column[Any]]) -> int:
    """Count the examples whose end some column cuts off."""
    cut = [column.cut(table.columns[column.key]) for column in columns]
    return int(np.logical_or.reduce([flags for flags in cut if flags is not None]).sum())


def _texts(table: Table, columns: Sequence[Column[Any]]) -> dict[str, Sequence[Any]]:
    found = {column.key: [column.texts(value) for value in table.columns[column.key]] for column in columns}
    return {key: texts for key, texts in found.items() if texts[0] is not None}
