"""Which part of a file is written by a command? That between two markers; the rest is by hand."""

from __future__ import annotations

from pathlib import Path


def write_marked(path: Path, name: str, text: str) -> None:
    """Put a text between `<!-- name: begin -->` and `<!-- name: end -->`, all else being left as it is.

    A missing file is the text alone.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, _, rest = (path.read_text() if path.exists() else f"{begin}\n{end}\n").partition(f"{begin}\n")
    path.write_text(f"{head}{begin}\n{text}\n{end}{rest.partition(end)[2]}")
