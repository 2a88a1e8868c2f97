"""How is a user's file read? Tables and text by `datasets`, arrays by NumPy."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.tasks.sources.table import Table
from seqlab.types import ConfigError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".txt", ".parquet", ".npz")
"""The files that can be read; of a text file every line is a row, in the column `text`."""
_BINARY = (".parquet", ".npz")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_file(path: Path) -> Table:
    """Read a file.

    Values of `.csv` and `.tsv` are text, as they stand there; each array of an `.npz` is a column, a row for
    each step along its first axis; the values of other files have the types that `datasets` finds.

    Raises:
        ConfigError: the file is missing, of another kind, broken or without a row.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"task.source={path} cannot be read: legal endings are {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ConfigError(f"task.source={path} does not exist")
    if path.suffix not in _BINARY:
        _require_utf8(path)
    try:
        if path.suffix == ".npz":
            return _arrays(path)
        rows = _rows(path)
    except Exception as error:  # each reader has its own; the last cause says what is wrong
        while error.__cause__ is not None:
            error = error.__cause__
        raise ConfigError(f"{path} cannot be read: {str(error).strip().splitlines()[0]}") from error
    return table_of(str(path), rows)


def _arrays(path: Path) -> Table:
    with np.load(path, allow_pickle=False) as file:
        columns = {name: np.atleast_1d(file[name]) for name in file.files}
    counts = {name: len(values) for name, values in columns.items()}
    if len(set(counts.values())) != 1 or not max(counts.values()):
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise ValueError(f"its arrays must have as many rows, at least one, got {told or 'no array'}")
    return Table(str(path), columns, range(1, max(counts.values()) + 1))


def table_of(name: str, rows: Any) -> Table:
    """Return what a `datasets.Dataset` holds; images and sounds as their files, `{"bytes": …, "path": …}`.

    Raises:
        ConfigError: it has no row.
    """
    if not len(rows):
        raise ConfigError(f"{name} has no rows")
    rows = _undecoded(rows)
    kinds = {column: getattr(kind, "feature", kind) for column, kind in rows.features.items()}
    names = {column: kind.names for column, kind in kinds.items() if hasattr(kind, "names")}
    columns = {column: rows[column][:] for column in rows.column_names}
    return Table(name, columns, range(1, len(rows) + 1), names)


def _undecoded(rows: Any) -> Any:
    """Return a dataset whose images and sounds, and lists of such, are not decoded."""
    from datasets import Audio, Image, List

    for column, kind in rows.features.items():
        media = getattr(kind, "feature", kind)
        if isinstance(media, (Audio, Image)):
            plain = type(media)(decode=False)
            rows = rows.cast_column(column, plain if media is kind else List(plain))
    return rows


def _rows(path: Path) -> Any:
    from datasets import Dataset, Features, Value, disable_progress_bars

    disable_progress_bars()
    if delimiter := _DELIMITERS.get(path.suffix):
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter=delimiter)
            head = next(lines, [])
            if next(lines, None) is None:
                raise ValueError("it has no rows")
        texts = Features({column: Value("string") for column in head})
        return Dataset.from_csv(
            str(path), sep=delimiter, features=texts, keep_default_na=False, encoding="utf-8-sig"
        )
    if path.suffix == ".parquet":
        return Dataset.from_parquet(str(path))
    return Dataset.from_text(str(path)) if path.suffix == ".txt" else Dataset.from_json(str(path))


def _require_utf8(path: Path) -> None:
    text = path.read_bytes()
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        byte = text[error.start]
        raise ConfigError(f"{path}, line {line}: the byte 0x{byte:02x} is not UTF-8") from error
