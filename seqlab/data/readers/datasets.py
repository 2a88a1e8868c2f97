"""Readers by Hugging Face `datasets`: tables, lines of text, and data sets in memory."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from seqlab.data.table import Table
from seqlab.types import ConfigError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_dataset_file(path: Path) -> Table:
    """Read a file of rows: `.csv`, `.tsv`, `.jsonl`, `.json`, `.parquet` or `.txt`.

    Values of `.csv` and `.tsv` are texts as written. Each line of a `.txt` file is a row of the column
    `text`. The values of other files have the types that `datasets` finds.

    Raises:
        ConfigError: the file has no row.
        Exception: whatever `datasets` raises for a broken file.
    """
    return table_of(str(path), _rows(path))


def table_of(name: str, rows: Any) -> Table:
    """Return what a `datasets.Dataset` holds; images and sounds stay files, `{"bytes": …, "path": …}`.

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
    """Return a data set whose images and sounds, and lists of them, are not decoded."""
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
        header = _header(path, delimiter)
        named = [name for name in header if name]
        return Dataset.from_csv(
            str(path),
            sep=delimiter,
            features=Features({column: Value("string") for column in named}),
            usecols=None if named == header else named,
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=len(header) > 1,  # in a single column, a blank line is a missing value
        )
    if path.suffix == ".parquet":
        return Dataset.from_parquet(str(path))
    if path.suffix == ".txt":
        return Dataset.from_text(str(path), encoding="utf-8-sig")
    return Dataset.from_json(str(path))


def _header(path: Path, delimiter: str) -> list[str]:
    """Return the names of the columns; spreadsheets may write columns without a name after the last one.

    Raises:
        ValueError: there is no row, or one has more values than the header; pandas would drop them without a
            word where it leaves columns out.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter)
        header, first = next(lines, []), next(lines, None)
        if first is None:
            raise ValueError("it has no rows")
        for row in (first, *lines) if "" in header else ():
            if len(row) > len(header):
                raise ValueError(f"line {lines.line_num} has {len(row)} values for {len(header)} columns")
    return header
