"""Frames of runs: a row a run, a row a group of runs, and all curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seqlab.analysis.groups import group_runs
from seqlab.analysis.sweep_list import COLUMNS, sweep_row
from seqlab.analysis.sweep_runs import SweepRun, read_sweep, swept_keys
from seqlab.runs.files import read_request
from seqlab.runs.sweep_place import place_of
from seqlab.tracking import read_rows
from seqlab.types import ConfigError

FOLDERS = ("runs", "sweeps")
"""Where runs and sweeps are, by default, below the working folder."""

LISTED = (
    "status",
    "sweep",
    "name",
    "cell",
    "architecture",
    "task",
    "seed",
    "metric",
    "best",
    "test",
    "solved",
)
"""The columns of `list_runs`, before `steps`, `seconds` and `folder`."""


class Sweep(NamedTuple):
    """The runs of a sweep as frames of pandas.

    Attributes:
        runs: a row a run, as `sweep.csv`: status, cell, architecture, task, seed, a column for each swept
            key, and the deciding metric at the `final`, the `best` and the `test` evaluation.
        groups: a row for each group of runs that differ in their seed alone, as `sweep.json`: number, mean
            and 95 % interval of the test score, median, how many solved the task.
        curves: every logged row of every run, with the columns of `runs` that identify it.
    """

    runs: Any
    groups: Any
    curves: Any


def load_sweep(folder: str | Path) -> Sweep:
    """Load the runs of a sweep, finished or not, whichever launcher made them.

    Args:
        folder: the folder of the sweep, or any folder with runs below it.

    Raises:
        ConfigError: there is no run below the folder.
    """
    import pandas as pd

    runs = _require_runs(folder)
    swept = swept_keys(runs)
    rows = [run.row(swept) for run in runs]
    curves = [
        {"folder": str(run.folder), **run.identity, **{key: run.overrides.get(key) for key in swept}, **row}
        for run in runs
        for row in read_rows(run.folder)
    ]
    groups = [group.aggregate() for group in group_runs(runs, swept)]
    return Sweep(pd.DataFrame(rows), pd.DataFrame(groups), pd.DataFrame(curves))


def list_runs(folder: str | Path | None = None) -> Any:
    """List the runs below a folder, with how they ended and their scores, as a `pandas.DataFrame`.

    Args:
        folder: the folder; None for `runs` and `sweeps` in the working folder.

    Returns:
        A row a run, the oldest first. `sweep` is the name of its sweep; None for a run by itself.

    Raises:
        ConfigError: there is no such folder.
    """
    import pandas as pd

    runs = _runs_below(folder)
    return pd.DataFrame([_listed(run) for run in runs], columns=[*LISTED, "steps", "seconds", "folder"])


def list_sweeps(folder: str | Path | None = None) -> Any:
    """List the sweeps below a folder: how their runs ended, and the best group of runs.

    Args:
        folder: as in `list_runs`.

    Returns:
        A `pandas.DataFrame`, a row a sweep; `seqlab.analysis.sweep_list.sweep_row` describes its columns.

    Raises:
        ConfigError: there is no such folder.
    """
    import pandas as pd

    sweeps: dict[str, list[SweepRun]] = {}
    for run in _runs_below(folder):
        if (name := _sweep_of(run.folder)) is not None:
            sweeps.setdefault(name, []).append(run)
    return pd.DataFrame([sweep_row(name, runs) for name, runs in sweeps.items()], columns=list(COLUMNS))


def _runs_below(folder: str | Path | None) -> list[SweepRun]:
    """Return the runs below a folder, or below `FOLDERS`."""
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(f"{folder} is not a folder")
    folders = [Path(name) for name in FOLDERS] if folder is None else [Path(folder)]
    return [run for one in folders for run in read_sweep(one)]


def _listed(run: SweepRun) -> dict[str, Any]:
    row = run.row(())
    found = {name: row.get(name) for name in (*LISTED, "steps", "seconds", "folder")}
    return found | {"sweep": _sweep_of(run.folder), "name": run.summary.get("name")}


def _sweep_of(folder: Path) -> str | None:
    """Return the name of a run's sweep; None for a run by itself, or a damaged one."""
    try:
        return place_of(folder, read_request(folder).hydra).sweep
    except ConfigError:
        return None


def _require_runs(folder: str | Path) -> Sequence[SweepRun]:
    """Return the runs below a folder; raise ConfigError where there is none."""
    if not (runs := read_sweep(folder)):
        raise ConfigError(f"{folder} holds no run")
    return runs
