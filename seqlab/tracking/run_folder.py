"""What stays on disk? The rows and the end of a run, and the way to read both back."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqlab.tracking.encoding import from_json, to_json
from seqlab.tracking.tracker import RunInfo

STATUSES = ("finished", "diverged", "interrupted", "failed", "incompatible")
"""How a run can end."""

_ROWS = "metrics.jsonl"
_SUMMARY = "summary.json"


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The listener that writes a run down; it holds no open file, so a kill costs at most a torn last line.

    Attributes:
        path: the run folder; made where it does not exist.
    """

    path: Path

    def start(self, info: RunInfo) -> None:
        """Keep the rows up to the step resumed from, none in a fresh run, and remove an earlier summary.

        What an earlier end told of the test split goes too: it is judged once, at the end to come.
        """
        kept = [] if info.resumed_from is None else read_rows(self.path, last_step=info.resumed_from)
        kept = [row for row in kept if not any(key.startswith("test/") for key in row)]
        _write_atomically(self.path / _ROWS, "".join(map(_line, kept)))
        (self.path / _SUMMARY).unlink(missing_ok=True)

    def log(self, row: Mapping[str, Any]) -> None:
        with (self.path / _ROWS).open("a") as file:
            file.write(_line(row))

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write `summary.json`, whole or not at all; needs no `start`, as an incompatible run has none.

        Raises:
            ValueError: where `summary["status"]` is not one of `STATUSES`.
        """
        if (status := summary.get("status")) not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, got {status!r}")
        _write_atomically(self.path / _SUMMARY, to_json(summary, indent=2) + "\n")


def read_rows(folder: Path | str, last_step: int | None = None) -> list[dict[str, Any]]:
    """Read back the rows of a run, in the order logged; a last line torn by a kill is left out.

    Args:
        folder: the run folder.
        last_step: the last step to keep; None for every row.

    Returns:
        The rows, arrays as lists and non-finite numbers as floats; none where nothing was logged.

    Raises:
        json.JSONDecodeError: where a line before the last is not JSON.
    """
    path = Path(folder) / _ROWS
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    rows = [from_json(line) for line in lines]
    return [row for row in rows if last_step is None or row["step"] <= last_step]


def read_summary(folder: Path | str) -> dict[str, Any]:
    """Read back how a run ended, non-finite numbers as floats.

    Raises:
        FileNotFoundError: where the run has not ended.
    """
    return from_json((Path(folder) / _SUMMARY).read_text())


def find_runs(folder: Path | str) -> list[Path]:
    """Find the run folders in a folder, however deep, numbers in their names counted up.

    A run folder has a `.hydra/` or a `summary.json`; what lies in it is not looked through.
    """
    found = []
    for path, folders, files in os.walk(folder):
        if ".hydra" in folders or _SUMMARY in files:
            found.append(Path(path))
            folders.clear()
    return sorted(found, key=_counted)


def _counted(path: Path) -> list[list[tuple[str, int]]]:
    """Return what sorts a path by its names, 2 before 10."""
    return [
        [(text, int(digits or -1)) for text, digits in re.findall(r"(\D*)(\d*)", name)] for name in path.parts
    ]


def _line(row: Mapping[str, Any]) -> str:
    return to_json(row) + "\n"


def _write_atomically(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)
