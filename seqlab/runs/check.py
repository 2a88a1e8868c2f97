"""Check of a run folder: which of its files are whole, and which are damaged or missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from seqlab.runs.files import read_request
from seqlab.runs.folders import HYDRA, why_no_run
from seqlab.runs.request import resolve
from seqlab.tasks.task import VOCABULARY
from seqlab.tracking import STATUSES, read_rows, read_summary
from seqlab.tracking.lock import LOCK, owner_of
from seqlab.tracking.run_folder import FACTS, ROWS, SUMMARY
from seqlab.training import Checkpoints
from seqlab.types import ConfigError


class Finding(NamedTuple):
    """What was found about a file of a run folder.

    Attributes:
        path: the file or folder, relative to the run folder.
        state: "whole", "damaged" or "missing"; "note" for what is no damage.
        text: a detail in one line; empty for none.
    """

    path: str
    state: str
    text: str = ""


def check(folder: Path) -> list[Finding]:
    """Return what is whole in a run folder and what is not. Nothing is written.

    Raises:
        ConfigError: there is no run in the folder.
    """
    if not any((folder / name).exists() for name in (HYDRA, ROWS, SUMMARY, "checkpoints")):
        raise ConfigError(f"RUN_DIR={folder} {why_no_run(folder)}")
    return [
        _found(folder, f"{HYDRA}/config.yaml", _read_config),
        *_found_if_there(folder, f"{HYDRA}/overrides.yaml", _require_text),
        *_found_if_there(folder, FACTS, _require_json),
        _found(folder, ROWS, _read_rows),
        _found(folder, SUMMARY, _read_summary, "the run has not ended, or was killed"),
        *_found_if_there(folder, VOCABULARY, _require_json),
        *_checkpoints(folder),
        *_leftovers(folder),
    ]


def _found(folder: Path, name: str, read: Callable[[Path], str], missing: str = "") -> Finding:
    """Return what reading a file shows; `read` returns a detail, or raises an error."""
    path = folder / name
    if not path.is_file():
        return Finding(name, "missing", missing)
    try:
        return Finding(name, "whole", read(path))
    except (ConfigError, OSError, ValueError, KeyError, TypeError) as error:
        return Finding(name, "damaged", " ".join(f"{type(error).__name__}: {error}".split())[:200])


def _found_if_there(folder: Path, name: str, read: Callable[[Path], str]) -> Iterator[Finding]:
    if (folder / name).exists():
        yield _found(folder, name, read)


def _read_config(path: Path) -> str:
    resolve(read_request(path.parent.parent).config)
    return ""


def _require_text(path: Path) -> str:
    if not path.read_text(encoding="utf-8").strip():
        raise ValueError("it is empty")
    return ""


def _require_json(path: Path) -> str:
    json.loads(path.read_text(encoding="utf-8"))
    return ""


def _read_rows(path: Path) -> str:
    count, rest = len(read_rows(path.parent)), path.read_bytes().rpartition(b"\n")[2]
    return f"{count} rows" + (", and an incomplete last line, which readers leave out" if rest else "")


def _read_summary(path: Path) -> str:
    status = read_summary(path.parent)["status"]
    if status not in STATUSES:
        raise ValueError(f"its status is {status!r}")
    return str(status)


def _checkpoints(folder: Path) -> Iterator[Finding]:
    checkpoints = Checkpoints(folder)
    for kind in ("latest", "best"):
        steps = checkpoints.steps(kind)
        if not steps:
            yield Finding(f"checkpoints/{kind}", "missing", "no state was saved yet")
        for step in steps:
            damage = checkpoints.damage(kind, step)
            yield Finding(f"checkpoints/{kind}/{step}", "damaged" if damage else "whole", damage or "")


def _leftovers(folder: Path) -> Iterator[Finding]:
    """Yield what a kill left behind, which the next run in the folder removes."""
    if (folder / LOCK).exists():
        owner = owner_of(folder)
        live = owner and f"process {owner.pid} on host {owner.host} writes here"
        yield Finding(LOCK, "note", live or "of a dead process")
    for path in [*folder.glob(".*.unfinished"), *folder.glob("checkpoints/*/*.*")]:
        yield Finding(str(path.relative_to(folder)), "note", "an unfinished write")
