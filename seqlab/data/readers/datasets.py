"""Readers by Hugging Face `datasets`: parquet and feather files, and data sets in memory."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from seqlab.data.table import Table
from seqlab.types import ConfigError


def read_parquet(path: Path) -> Table:
    """Read a `.parquet` file; values have the types of its schema.

    Raises:
        ConfigError: the file has no row.
        Exception: whatever `datasets` raises for a broken file.
    """
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    logging.getLogger("datasets").setLevel(logging.CRITICAL)  # it would log what it raises
    return table_of(str(path), Dataset.from_parquet(str(path)))


def read_feather(path: Path) -> Table:
    """Read a `.feather` file (Arrow IPC); values have the types of its schema.

    Raises:
        ConfigError: the file has no row.
        Exception: whatever `pyarrow` raises for a broken file.
    """
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from pyarrow import feather

    return table_of(str(path), Dataset(InMemoryTable(feather.read_table(path))))


def table_of(name: str, rows: Any) -> Table:
    """Return what a `datasets.Dataset` holds; images and sounds stay files, `{"bytes": …, "path": …}`.

    The index that pandas stores in a file is no column.

    Raises:
        ConfigError: it has no row.
    """
    if not len(rows):
        raise ConfigError(f"{name} has no rows")
    rows = _undecoded(rows)
    kinds = {column: getattr(kind, "feature", kind) for column, kind in rows.features.items()}
    names = {column: kind.names for column, kind in kinds.items() if hasattr(kind, "names")}
    columns = {
        column: rows[column][:] for column in rows.column_names if not column.startswith("__index_level_")
    }
    return Table.of(name, columns, names)


def _undecoded(rows: Any) -> Any:
    """Return a data set whose images and sounds, and lists of them, are not decoded."""
    from datasets import Audio, Image, List

    for column, kind in rows.features.items():
        media = getattr(kind, "feature", kind)
        if isinstance(media, (Audio, Image)):
            plain = type(media)(decode=False)
            rows = rows.cast_column(column, plain if media is kind else List(plain))
    return rows
