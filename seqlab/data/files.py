"""How is a user's file read? Tables and text by `datasets`, arrays by NumPy, tokens and series by line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.table import Table
from seqlab.data.ts import read_ts
from seqlab.types import ConfigError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".txt", ".conll", ".parquet", ".npz", ".mat", ".ts")
"""The files that can be read; of a text file every line is a row, in the column `text`."""
_BINARY = (".parquet", ".npz")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_file(path: Path) -> Table:
    """Read a file.

    Values of `.csv` and `.tsv` are text, as they stand there; each array of an `.npz` is a column, a row for
    each step along its first axis; a `.conll` gives the columns `tokens` and `tags`, a row a sentence, and a
    `.ts` the columns `series` and `label` (`data.ts`); the values of other files have the types that
    `datasets` finds.

    Raises:
        ConfigError: the file is missing, of another kind, broken or without a row.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"task.source={path} cannot be read: legal endings are {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ConfigError(f"task.source={path} does not exist")
    if path.suffix == ".mat":
        raise ConfigError(f"{path} has splits of its own: set task.source={path}")
    if path.suffix not in _BINARY:
        _require_utf8(path)
    try:
        if not path.stat().st_size:
            raise ValueError("it has no rows")
        if path.suffix == ".npz":
            return _arrays(path)
        if path.suffix == ".ts":
            return read_ts(path)
        if path.suffix == ".conll":
            return _sentences(path)
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


def _sentences(path: Path) -> Table:
    """Read a token and its tag a line, its first and its last column; a blank line ends a sentence.

    Lines that begin a document are left out.

    Source: E. Tjong Kim Sang & F. De Meulder, "Introduction to the CoNLL-2003 Shared Task", 2003.
    """
    sentences: list[list[list[str]]] = [[]]
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        columns = line.split()
        if not columns:
            sentences.append([])
        elif columns[0] != "-DOCSTART-":
            if len(columns) < 2:
                raise ValueError(f"line {number} has no tag: {line!r:.60}")
            sentences[-1].append(columns)
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        raise ValueError("it has no rows")
    columns = {
        name: [[columns[place] for columns in sentence] for sentence in sentences]
        for name, place in (("tokens", 0), ("tags", -1))
    }
    return Table(str(path), columns, range(1, len(sentences) + 1))


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
            str(path),
            sep=delimiter,
            features=texts,
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=len(head) > 1,  # of one column a blank line is a value that is missing
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
