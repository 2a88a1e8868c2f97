"""Reader of `.xlsx` files, by openpyxl."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from seqlab.data.table import Table
from seqlab.registry import import_extra


def read_xlsx(path: Path) -> Table:
    """Read the first sheet, whose first row names the columns; every value is a text, or missing.

    A whole number is written without a decimal point, a date as YYYY-MM-DD. Columns without a name and rows
    without values are left out.

    Raises:
        ConfigError: openpyxl is not installed.
        ValueError: the sheet has no rows, or two columns have one name.
    """
    book = import_extra("openpyxl").load_workbook(path, read_only=True, data_only=True)
    try:
        header, *rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)] or [[]]
    finally:
        book.close()
    names = [_text(value).strip() for value in header]
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise ValueError(f"its first row names two columns {twice!r}")
    filled = {number: row for number, row in enumerate(rows, 1) if any(value is not None for value in row)}
    if not filled:
        raise ValueError("it has no rows")
    columns = {
        name: [_text(row[place]) for row in filled.values()] for place, name in enumerate(names) if name
    }
    return Table.of(str(path), columns, rows=list(filled))


def _text(value: Any) -> str:
    """Return a cell as a text."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)
