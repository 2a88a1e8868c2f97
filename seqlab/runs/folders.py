"""Folders of refused commands: what was named as a run, which runs are near it, which are removed again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from seqlab.near_misses import closest, did_you_mean
from seqlab.tracking import read_summary
from seqlab.types import ConfigError

HYDRA = ".hydra"
"""The folder of the config within a run folder."""

ROOTS = ("runs", "sweeps")
"""Where commands write by default."""

MOST_NAMED = 3


def folder_of_all(folders: Sequence[Path]) -> Path:
    """Return the folder for files about one run or sweep, or about several: the one that holds all of them.

    Where that is above the working folder, it is the working folder.
    """
    if len(folders) == 1:
        return folders[0]
    common, here = Path(os.path.commonpath([folder.resolve() for folder in folders])), Path.cwd()
    if common in (here, *here.parents):
        return Path()
    return common.relative_to(here) if here in common.parents else common


def why_no_run(folder: Path) -> str:
    """Return what a folder is that is no run folder, with runs that may have been meant."""
    if not folder.exists():
        return f"does not exist{_near(folder)}"
    if not folder.is_dir():
        inside = folder.parent if is_run(folder.parent) else None
        return "is a file" + (did_you_mean(str(inside)) if inside else ": a run is a folder")
    above = next((one for one in list(folder.resolve().parents)[:2] if is_run(one)), None)
    if above is not None:
        return f"lies within the run {above}{did_you_mean(str(above))}"
    runs = list(islice(_runs_below(folder), 200))
    named = ", ".join(map(str, runs[:MOST_NAMED])) + (", …" if len(runs) > MOST_NAMED else "")
    if (folder / "sweep.json").is_file() or (folder / "multirun.yaml").is_file():
        return (
            f"is the folder of a sweep: name one of its runs, {named}" if runs else "is a sweep without a run"
        )
    if runs:
        return f"holds runs and is none: name one of them, {named}"
    return f"is not a run folder: it has no .hydra/config.yaml{_near(folder)}"


def why_no_parameters(folder: Path) -> str:
    """Return why a run folder has no parameters."""
    try:
        summary: dict[str, Any] = read_summary(folder)
        if summary["status"] == "finished":
            return "has no parameters: its run finished, but its checkpoints are missing"
        return f"has no parameters: its run ended as {summary['status']}: {summary.get('reason', '')}"
    except (OSError, ValueError, KeyError, TypeError):
        return "has no parameters: its run has not saved any, and has not ended"


def missing_folders(folder: Path) -> list[Path]:
    """Return a folder and those above it that do not exist, the innermost first."""
    folder = folder.absolute()
    return [one for one in (folder, *folder.parents) if not one.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove the folders that are empty, in this order."""
    for folder in folders:
        with contextlib.suppress(OSError):  # it holds something
            folder.rmdir()


@contextlib.contextmanager
def removed_if_refused(folder: Path) -> Generator[None]:
    """Remove a folder, and those above it, that did not exist before a block which is refused."""
    missing = missing_folders(folder)
    try:
        yield
    except ConfigError:
        remove_empty(missing)
        raise


def is_run(folder: Path) -> bool:
    """Return whether a folder has the config of a run."""
    return (folder / HYDRA / "config.yaml").is_file()


def _runs_below(folder: Path) -> Iterator[Path]:
    """Yield the run folders up to three levels below a folder, and not deeper, which could take long."""
    for pattern in ("*", "*/*", "*/*/*"):
        yield from (found.parents[1] for found in sorted(folder.glob(f"{pattern}/{HYDRA}/config.yaml")))


def _near(folder: Path) -> str:
    """Name the run beside a folder whose name is like it, or else the newest run in the default folders."""
    if folder.parent.is_dir():
        beside = [one.name for one in islice(folder.parent.iterdir(), 1000) if one.is_dir() and is_run(one)]
        if found := closest(folder.name, beside):
            return did_you_mean(str(folder.parent / found))
    runs = [run for root in ROOTS if Path(root).is_dir() for run in _runs_below(Path(root))]
    if not runs:
        return ""
    newest = max(runs, key=lambda run: (run / HYDRA / "config.yaml").stat().st_mtime)
    return f"; the newest run is {newest}"
