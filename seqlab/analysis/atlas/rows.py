"""Rows of the atlas: one for each run, with the learning rate that validation chooses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.sweep_runs import DAMAGED, SweepRun

MODEL, PROBLEM, RATE = "experiment/model", "experiment/atlas", "optimizer.learning_rate"
"""The swept keys that name the rows, the columns and the learning rates of the atlas."""

MEASURES = (
    *("beyond", "reach_before", "reach_after", "lyapunov_before", "lyapunov_after"),
    "error",
)
"""The measures of `seqlab.analysis.atlas.measures` that are columns."""

SUMMARY = (
    *("chance", "solved_at", "solved", "steps", "num_params", "features", "state_size"),
    *("seconds", "program_seconds", "program_cpu_seconds", "compile_seconds", "steps_per_second"),
)
"""The keys of a summary that are columns."""

Row = dict[str, Any]


class Entry(NamedTuple):
    """A model on a problem: a field of the matrix."""

    model: str
    problem: str


def run_rows(runs: Sequence[SweepRun], measures: Sequence[Mapping[str, Any]], root: Path) -> list[Row]:
    """Return a row for each run, without those whose folder cannot be read.

    `skill` and `beyond_skill` are scores between the baseline (0) and the threshold of solved (1). `chosen`
    says whether the run has the learning rate of its entry, by `choose_rates`.

    Args:
        runs: the runs.
        measures: those of each run.
        root: the folder that all run folders are below; `folder` is the path from there.
    """
    pairs = zip(runs, measures, strict=True)
    rows = [_row(run, found, root) for run, found in pairs if run.status != DAMAGED]
    rates = choose_rates(rows)
    return [{**row, "chosen": row["learning_rate"] == rates[entry_of(row)]} for row in rows]


def folder_of(run: SweepRun, root: Path) -> str:
    """Return the folder of a run, from a folder that it is below."""
    return run.folder.absolute().relative_to(root).as_posix()


def entry_of(row: Mapping[str, Any]) -> Entry:
    """Return the model and the problem of a row."""
    return Entry(row["model"], row["problem"])


def by_entry(rows: Sequence[Row]) -> dict[Entry, list[Row]]:
    """Return the rows of each entry, in the order of the first."""
    found: dict[Entry, list[Row]] = {}
    for row in rows:
        found.setdefault(entry_of(row), []).append(row)
    return found


def choose_rates(rows: Sequence[Row]) -> dict[Entry, Any]:
    """Return the learning rate of each entry: that with the best mean of the best validation over seeds.

    A run that diverged counts as worse than any other, so that a rate with fewer of them comes first. The
    test split has no part in the choice.
    """
    return {entry: _best_rate(members) for entry, members in by_entry(rows).items()}


def _best_rate(rows: Sequence[Row]) -> Any:
    rates = list(dict.fromkeys(row["learning_rate"] for row in rows))

    def rank(rate: Any) -> tuple[int, float]:
        scores = [
            _signed(row["best"], row) for row in rows if row["learning_rate"] == rate and _finished(row)
        ]
        lost = sum(row["status"] == "diverged" for row in rows if row["learning_rate"] == rate)
        return -lost, float(np.mean(scores)) if scores else -math.inf

    return max(rates, key=rank)


def _finished(row: Row) -> bool:
    return row["status"] == "finished" and row["best"] is not None


def _signed(value: float, row: Row) -> float:
    return value if row["higher_is_better"] else -value


def skill(value: float | None, baseline: float | None, threshold: float | None) -> float | None:
    """Return (s − b) / (t − b), from 0 to 1, of a score s with the baseline b and the threshold t."""
    if value is None or baseline is None or threshold is None or baseline == threshold:
        return None
    if not math.isfinite(value):
        return 0.0
    return float(np.clip((value - baseline) / (threshold - baseline), 0, 1))


def _row(run: SweepRun, found: Mapping[str, Any], root: Path) -> Row:
    get, overrides = run.summary.get, run.overrides
    row: Row = {
        "folder": folder_of(run, root),
        "status": run.status,
        "reason": get("reason"),
        "resumes": len(get("resumed") or ()),
        "model": str(overrides.get(MODEL, get("cell"))),
        "problem": str(overrides.get(PROBLEM, get("task"))),
        **run.identity,
        "learning_rate": overrides.get(RATE),
        "metric": get("metric"),
        "higher_is_better": run.higher_is_better,
        **{which: run.score(which) for which in ("best", "test")},
        **{key: get(key) for key in SUMMARY},
        "steps_to_solved": run.steps_to_solved,
        **{key: found.get(key) for key in MEASURES},
        "measure_seconds": found.get("seconds"),
    }
    return {
        **row,
        "skill": skill(row["test"], row["chance"], row["solved_at"]),
        "beyond_skill": _beyond_skill(found),
    }


def _beyond_skill(found: Mapping[str, Any]) -> float | None:
    """Return the mean skill over the lengths beyond the trained ones, with the baseline of each."""
    columns = (found.get(key, ()) for key in ("scores", "baselines", "thresholds"))
    skills = [one for values in zip(*columns, strict=True) if (one := skill(*values)) is not None]
    return float(np.mean(skills)) if skills else None
