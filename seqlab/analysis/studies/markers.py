"""Part of a text file, between two markers, that a command rewrites; the rest is written by hand."""

from __future__ import annotations

from pathlib import Path


def write_between_markers(path: Path, name: str, text: str) -> None:
    """Replace the text between `<!-- name: begin -->` and `<!-- name: end -->`.

    A missing file is created with the markers and the text alone.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before = path.read_text(encoding="utf-8") if path.exists() else f"{begin}\n{end}\n"
    head, _, rest = before.partition(f"{begin}\n")
    path.write_text(f"{head}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
