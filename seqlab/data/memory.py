"""Sources in memory: columns that a program holds, under a name that a config can state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqlab.data.splits import SHARES, split_name
from seqlab.data.table import Table
from seqlab.types import ConfigError

PREFIX = "memory:"
"""What the name of a source in memory begins with; a digest of its content follows."""

_HELD: dict[str, dict[str, Table]] = {}


def hold(data: Any) -> str:
    """Keep data until this process ends, and return their name as a source.

    Equal data have the same name, so that runs on them share arrays and compiled programs.

    Args:
        data: columns by name, `{"text": [...], "label": [...]}`, or such columns of each split, `{"train":
            {...}, "test": {...}}`. Instead of a dict there may be a pandas frame. A column is a list or an
            array with one entry for each row, so an array `(N, T, F)` holds N series.

    Raises:
        ConfigError: the columns have different numbers of rows, or none; or it is no such data.
    """
    return hold_tables(_tables(data))


def hold_tables(tables: dict[str, Table]) -> str:
    """Keep the tables of splits until this process ends, and return their name as a source."""
    digest = hashlib.sha256()
    for split, table in tables.items():
        for name, values in table.columns.items():
            digest.update(f"{split} {name} ".encode())
            _digest(values, digest)
    source = f"{PREFIX}{digest.hexdigest()[:16]}"
    _HELD[source] = tables
    return source


def is_held(source: str | None) -> bool:
    """Return whether a source is in memory, in this process or in an earlier one."""
    return isinstance(source, str) and source.startswith(PREFIX)


def held_tables(source: str) -> dict[str, Table]:
    """Return the tables of a source in memory, by split.

    Raises:
        ConfigError: another process held it.
    """
    if source not in _HELD:
        raise ConfigError(
            f"task.source={source} was data in the memory of another process: give the data again"
        )
    return dict(_HELD[source])


def _tables(data: Any) -> dict[str, Table]:
    columns = _items(data, "data")
    splits = {split_name(str(name)): part for name, part in columns.items()}
    if splits and splits.keys() <= SHARES.keys() and all(hasattr(part, "items") for part in splits.values()):
        return {split: _table(f"data[{split!r}]", part) for split, part in splits.items()}
    return {"train": _table("data", columns)}


def _table(name: str, data: Any) -> Table:
    columns = {str(key): _column(values) for key, values in _items(data, name).items()}
    counts = {key: len(values) for key, values in columns.items()}
    if len(set(counts.values())) != 1 or not max(counts.values()):
        found = ", ".join(f"{key} {count}" for key, count in counts.items()) or "no column"
        raise ConfigError(f"{name} must have as many rows, at least one, in every column, got {found}")
    return Table.of(name, columns)


def _items(data: Any, name: str) -> dict[Any, Any]:
    """Return a mapping or a frame as a dict."""
    if not hasattr(data, "items"):
        raise ConfigError(
            f"{name} must be columns by name, as {{'text': [...], 'label': [...]}}, got {type(data).__name__}"
        )
    return dict(data.items())


def _column(values: Any) -> Any:
    """Return a column as a list or an array; a column of a frame and an array of JAX are converted."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise ConfigError(f"a column must be a list or an array, got {values!r:.60}")
    if isinstance(values, (list, tuple, np.ndarray)):
        return values
    array = np.asarray(values)
    return array.tolist() if array.ndim == 1 else array


def _digest(values: Any, digest: Any) -> None:
    """Add values to a digest. Equal lists and equal arrays add the same bytes."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        digest.update(f"{values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    elif isinstance(values, Mapping):
        _digest([*values.items()], digest)
    elif isinstance(values, (list, tuple, np.ndarray)):
        digest.update(f"[{len(values)}".encode())
        for value in values:
            _digest(value, digest)
    else:
        digest.update(f"{values!r} ".encode())
