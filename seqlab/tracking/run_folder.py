"""Run folder tracker: `metrics.jsonl` and `summary.json`, and functions that read them."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from seqlab.tracking.disk import when_there_is_room
from seqlab.tracking.encoding import from_json, to_json
from seqlab.tracking.tracker import RunInfo
from seqlab.types import ConfigError

_log = logging.getLogger(__name__)

STATUSES = ("finished", "pruned", "diverged", "interrupted", "failed", "incompatible")
"""How a run can end."""

UNFINISHED = "unfinished"
"""The status of a run without a summary, in addition to `STATUSES`: it was killed, or is still running."""

FACTS = "run.json"
ROWS = "metrics.jsonl"
SUMMARY = "summary.json"
"""The files of a run folder that say what the run is, and hold its rows and its summary."""


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The tracker that writes to disk. No file stays open, so a kill costs at most an incomplete last line.

    Attributes:
        path: the run folder; created if needed.
    """

    path: Path

    def start(self, info: RunInfo) -> None:
        """Write what the run is, and remove an earlier summary and all rows after the step resumed from.

        Without such a step, all rows are removed. Rows of the test split are removed too, because the test
        split is evaluated again at the end.
        """
        rows = [] if info.resumed_from is None else read_rows(self.path, last_step=info.resumed_from)
        rows = [row for row in rows if not any(key.startswith("test/") for key in row)]
        write_atomically(self.path / ROWS, "".join(map(_line, rows)))
        (self.path / SUMMARY).unlink(missing_ok=True)
        write_atomically(self.path / FACTS, to_json(_facts(info), indent=2) + "\n")

    def log(self, row: Mapping[str, Any]) -> None:
        path = self.path / ROWS
        if not path.exists():
            _log.warning("%s was deleted: its rows before step %s are lost", path, row["step"])
            self.path.mkdir(parents=True, exist_ok=True)
        when_there_is_room(lambda: _append(path, _line(row)), path)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write `summary.json` atomically, also without `start`: an incompatible run never starts.

        Raises:
            ValueError: `summary["status"]` is not one of `STATUSES`.
        """
        if (status := summary.get("status")) not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, got {status!r}")
        text, path = to_json(summary, indent=2) + "\n", self.path / SUMMARY
        when_there_is_room(lambda: write_atomically(path, text), path)


def read_rows(folder: Path | str, last_step: int | None = None) -> list[dict[str, Any]]:
    """Read the rows of a run in the order logged, without an incomplete last line.

    Args:
        folder: the run folder.
        last_step: the last step to return; None for all.

    Returns:
        The rows; arrays are lists, and non-finite numbers are floats. Empty where nothing was logged.

    Raises:
        ConfigError: a line before the last is not a row.
    """
    path = Path(folder) / ROWS
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1)]
    return [row for row in rows if last_step is None or row["step"] <= last_step]


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """Return the row in a line of a file."""
    try:
        row: Any = from_json(line.decode())
        _ = row["step"] + 0
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is damaged: line {number} is not a row, so remove it") from error
    return row


def _append(path: Path, line: str) -> None:
    """Append a line to a file, or nothing."""
    with path.open("ab", buffering=0) as file:
        end, data = file.tell(), line.encode()
        try:
            while data:
                data = data[file.write(data) :]
        except OSError:
            file.truncate(end)
            raise


def drop_rows(folder: Path, step: int, keys: Sequence[str]) -> None:
    """Remove the rows of a step that have one of some keys."""
    rows = [row for row in read_rows(folder) if row["step"] != step or not any(key in row for key in keys)]
    write_atomically(folder / ROWS, "".join(map(_line, rows)))


def read_summary(folder: Path | str) -> dict[str, Any]:
    """Read the summary of a run; non-finite numbers are floats.

    Raises:
        FileNotFoundError: the run has not ended.
        ConfigError: the file is damaged.
    """
    path = Path(folder) / SUMMARY
    try:
        found: Any = from_json(path.read_bytes().decode())
        if not isinstance(found, dict):
            raise ValueError("it must hold an object")
        return cast("dict[str, Any]", found)
    except ValueError as error:
        raise ConfigError(f"{path} is damaged: {error}") from error


def find_runs(folder: Path | str) -> list[Path]:
    """Return the run folders below a folder at any depth, sorted with 2 before 10.

    A run folder has a `.hydra/` or a `summary.json`. Folders within a run folder are not searched.
    """
    found = []
    for path, folders, files in os.walk(folder):
        if ".hydra" in folders or SUMMARY in files:
            found.append(Path(path))
            folders.clear()
    return sorted(found, key=_natural_order)


def _natural_order(path: Path) -> list[list[tuple[str, int]]]:
    """Return a sort key that compares the numbers in a path as numbers."""
    return [
        [(text, int(digits or -1)) for text, digits in re.findall(r"(\D*)(\d*)", name)] for name in path.parts
    ]


def _facts(info: RunInfo) -> dict[str, Any]:
    """Return what somebody who follows a run has to know of it before it ends."""
    names = (
        "cell",
        "architecture",
        "task",
        "seed",
        "experiment",
        "num_params",
        "state_size",
        "resumed_from",
        "sweep",
        "axes",
    )
    return {
        **{name: getattr(info, name) for name in names},
        "total_steps": info.steps,
        "metric": info.goal.metric,
        "higher_is_better": info.goal.higher_is_better,
        "started": time.time(),
    }


def _line(row: Mapping[str, Any]) -> str:
    return to_json(row) + "\n"


def write_atomically(path: Path, text: str) -> None:
    """Write a text file in UTF-8, so that a reader sees the old text or the new one, never a part.

    The folder is created. Where writing fails, the old text stays. A link keeps its target. What is no
    file, such as a pipe or a device, is written and not replaced.
    """
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
