"""Reader of tables whose values are separated by commas, semicolons or tabs: `.csv` and `.tsv`."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from seqlab.data.readers.text import read_text
from seqlab.data.table import Table

_DELIMITERS = (",", ";", "\t")
"""Those of a `.csv` file; the header has the right one most often, the first of equals."""


def read_csv(path: Path) -> Table:
    """Read a `.csv` file, whose first line names the columns; every value is a text as written.

    Values are separated by commas, or by the semicolons or tabs that the header has instead. Quotation marks
    enclose values that hold separators, ends of lines, or quotation marks, each of those written twice.

    Raises:
        ConfigError: the file is not in an encoding of `read_text`.
        ValueError: a row has more or fewer values than the header, a quotation mark is not closed, or two
            columns have one name; the message names the line.
    """
    text = read_text(path)
    delimiter = max(_DELIMITERS, key=lambda mark: _width(text, mark))
    return _table(path, _rows(text, delimiter, quoted=True))


def read_tsv(path: Path) -> Table:
    """Read a `.tsv` file: as `read_csv`, but separated by tabs, and quotation marks are part of a value.

    Raises:
        ConfigError: the file is not in an encoding of `read_text`.
        ValueError: a row has more or fewer values than the header, or two columns have one name; the message
            names the line.
    """
    return _table(path, _rows(read_text(path), "\t", quoted=False))


def _width(text: str, delimiter: str) -> int:
    """Return the number of columns of the header; 0 where quotation marks do not end at the delimiter."""
    try:
        return len(next(_rows(text, delimiter, quoted=True), (0, []))[1])
    except ValueError:
        return 0


def _rows(text: str, delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the values of each row with the number of its last line.

    Raises:
        ValueError: a quotation mark is not closed, or text follows a closed one.
    """
    csv.field_size_limit(sys.maxsize)
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    begin = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            remedy = 'a quotation mark within a value is written twice (""), in quotation marks'
            raise ValueError(f"lines {begin} to {rows.line_num}: {error}: {remedy}") from None
        if row is None:
            return
        yield rows.line_num, row
        begin = rows.line_num + 1


def _table(path: Path, rows: Iterator[tuple[int, list[str]]]) -> Table:
    """Return a table of the columns that have a name; lines without values after the header are no rows."""
    header = [name.strip() for name in next(rows, (0, []))[1]]
    named = [place for place, name in enumerate(header) if name]
    if twice := next((header[place] for place in named if header.count(header[place]) > 1), None):
        raise ValueError(f"line 1 names two columns {twice!r}")
    columns: dict[str, list[str]] = {header[place]: [] for place in named}
    for line, row in _filled(rows, len(header)):
        if len(row) > len(header) and any(row[len(header) :]):
            raise ValueError(f"line {line} has {len(row)} values for {len(header)} columns")
        if len(row) <= max(named, default=-1):
            raise ValueError(f"line {line} has {len(row)} values for {len(header)} columns")
        for place in named:
            columns[header[place]].append(row[place])
    if not columns or not next(iter(columns.values())):
        raise ValueError("it has no rows")
    return Table.of(str(path), columns)


def _filled(rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    """Leave out blank lines; in a single column, a blank line is a missing value."""
    for line, row in rows:
        if width == 1:
            yield line, row or [""]
        elif len(row) > 1 or any(value.strip() for value in row):
            yield line, row
