"""Reader of `.txt` files: each line is a row."""

from __future__ import annotations

from pathlib import Path

from seqlab.data.readers.text import lines_of, read_text
from seqlab.data.table import Table


def read_lines(path: Path) -> Table:
    """Read the column `text`, a row a line, blank lines too.

    Raises:
        ConfigError: the file is not in an encoding of `read_text`.
        ValueError: it has no line.
    """
    if not (lines := lines_of(read_text(path))):
        raise ValueError("it has no rows")
    return Table.of(str(path), {"text": lines})
