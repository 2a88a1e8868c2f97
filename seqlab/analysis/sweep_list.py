"""List of sweeps: how many runs of each ended how, and its best group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group, group_runs
from seqlab.analysis.sweep_runs import SweepRun, swept_keys

NAMES = ("cell", "architecture", "task")

COLUMNS = (
    *("sweep", "status", "planned", "finished", "failed", "incompatible"),
    *("metric", "best_group", "best_mean", "best_interval_95", "folder"),
)
"""The columns of a list of sweeps."""


def sweep_row(name: str, runs: Sequence[SweepRun]) -> dict[str, Any]:
    """Return the row of a sweep.

    `planned` are the runs that could finish, `failed` those that ended in another way; the others wait or
    run. `status` is "finished" where all planned runs finished, "unfinished" where some have not ended, and
    else "failed". The best group is that with the best mean test score; a sweep of several tasks has none.

    Args:
        name: the name of the sweep.
        runs: its runs.
    """
    statuses = [run.status for run in runs]
    incompatible, finished = statuses.count("incompatible"), statuses.count("finished")
    open_runs = sum(status in ("unfinished", "interrupted") for status in statuses)
    planned = len(runs) - incompatible - statuses.count("pruned")
    failed = planned - finished - open_runs
    status = "finished" if finished == planned else "unfinished" if open_runs else "failed"
    counts = {"planned": planned, "finished": finished, "failed": failed, "incompatible": incompatible}
    row = {"sweep": name, "status": status, **counts, "folder": str(_place(runs))}
    best = _best(group_runs(runs, swept_keys(runs)))
    if best is not None:
        found = best.aggregate()
        row |= {
            "metric": found["metric"],
            "best_group": label(best),
            "best_mean": found["mean"],
            "best_interval_95": found["interval_95"],
        }
    return {column: row.get(column) for column in COLUMNS}


def label(group: Group) -> str:
    """Return the names and the values of a group's keys as one text."""
    names = [str(group.key[name]) for name in NAMES]
    further = [f"{key}={value}" for key, value in group.key.items() if key not in NAMES]
    return " ".join([*names, *further])


def _best(groups: Sequence[Group]) -> Group | None:
    """Return the group with the best mean; None where no run finished, or the tasks of groups differ."""
    scored = [group for group in groups if len(group.scores)]
    if len({group.key["task"] for group in scored}) != 1:
        return None
    sign = 1 if scored[0].finished[0].higher_is_better else -1
    return max(scored, key=lambda group: sign * float(np.nanmean(group.scores)))


def _place(runs: Sequence[SweepRun]) -> Path:
    """Return the folder in which all runs of a sweep lie."""
    parents = [run.folder.parents for run in runs]
    return next(folder for folder in parents[0] if all(folder in others for others in parents))
