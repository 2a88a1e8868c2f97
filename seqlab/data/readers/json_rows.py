"""Readers of `.json` and `.jsonl` files, whose values keep the types that they have in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from seqlab.data.readers.text import lines_of, read_text
from seqlab.data.table import Table


def read_jsonl(path: Path) -> Table:
    """Read a JSON object a line; a key that a row lacks is missing there. Blank lines are no rows.

    Raises:
        ConfigError: the file is not in an encoding of `read_text`.
        ValueError: a line is not a JSON object; the message names the line.
    """
    return _table(path, lines_of(read_text(path)))


def read_json(path: Path) -> Table:
    """Read a list of JSON objects, one a row; an object that holds one such list; or lines as `read_jsonl`.

    Raises:
        ConfigError: the file is not in an encoding of `read_text`.
        ValueError: the file holds something else.
    """
    text = read_text(path)
    try:
        found = json.loads(text)
    except ValueError as error:
        if len(lines_of(text.strip())) < 2 or not text.lstrip().startswith("{"):
            raise
        try:
            return _table(path, lines_of(text))
        except ValueError:
            raise error from None
    if isinstance(found, Mapping):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else [found]
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise ValueError('it must hold a list of objects, one a row: [{"text": "a"}, {"text": "b"}]')
    return _table_of(path, cast("list[Mapping[str, Any]]", found))


def _table(path: Path, lines: Iterable[str]) -> Table:
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if not isinstance(row, Mapping):
            raise ValueError(f'line {number} must be an object, such as {{"text": "a"}}, got {line:.60}')
        rows.append(row)
    return _table_of(path, rows)


def _table_of(path: Path, rows: list[Mapping[str, Any]]) -> Table:
    names = dict.fromkeys(name for row in rows for name in row)
    if not names:
        raise ValueError("it has no rows")
    return Table.of(str(path), {name: [row.get(name) for row in rows] for name in names})
