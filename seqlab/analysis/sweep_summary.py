"""Summary of a sweep at its end: `sweep.csv`, `sweep.json`, figures, and a table in the terminal."""

from __future__ import annotations

import atexit
import collections
import csv
import logging
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich.console
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from seqlab.analysis.group_comparison import comparisons
from seqlab.analysis.groups import Group, group_runs
from seqlab.analysis.parallel_coordinates import parallel_coordinates
from seqlab.analysis.report import write_sweep_report
from seqlab.analysis.sweep_figures import gradient_slope, learning_curves
from seqlab.analysis.sweep_runs import AS_PLANNED, SweepRun, read_sweep, swept_keys
from seqlab.analysis.sweep_table import print_tables, unfinished_lines
from seqlab.analysis.sweep_trackers import SweepTrackers
from seqlab.runs.open_groups import make_callbacks
from seqlab.tracking import Callback as TrainingCallback
from seqlab.tracking import Console, write_atomically
from seqlab.tracking.console import gather_ended
from seqlab.tracking.encoding import to_json
from seqlab.tracking.figure_style import save
from seqlab.tracking.run_folder import SUMMARY
from seqlab.tracking.screen import standard_output

_log = logging.getLogger(__name__)

FIGURES = {
    "learning_curves": learning_curves,
    "parallel_coordinates": parallel_coordinates,
    "gradient_slope": gradient_slope,
}
"""The function that draws each figure, by the name of its file."""


class SweepSummary(Callback):
    """Hydra callback that summarises a sweep at its end, however its runs ended.

    Hydra does not call `on_multirun_end` where a job failed or where the user pressed Ctrl-C. The summary is
    then written by `summarise_pending`, at the latest as the process exits. A search continues after a failed
    trial, so this callback ends the process with the status of a failure where a run did not finish.
    """

    def __init__(self) -> None:
        """Start without the sweep's callbacks."""
        self._callbacks: Sequence[TrainingCallback] = ()
        self._started = 0.0

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        folder = Path(config.hydra.sweep.dir).absolute()
        _pending[folder] = ()
        atexit.register(summarise_pending)
        made = make_callbacks(OmegaConf.to_container(config.callbacks, resolve=True))
        self._callbacks = (*made, SweepTrackers(OmegaConf.to_container(config.tracking, resolve=True)))
        _pending[folder] = self._callbacks
        for callback in self._callbacks:
            callback.on_sweep_start(folder)
        self._started = time.time()
        gather_ended()
        shown = shlex.quote(str(config.hydra.sweep.dir))
        standard_output().out(f"sweep: python -m seqlab.watch {shown} follows it", highlight=False)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        folder = Path(config.hydra.sweep.dir).absolute()
        _pending.pop(folder, None)
        runs = _summarise(folder, self._callbacks)
        if runs and not any(_ended_since(run.folder, self._started) for run in runs):
            standard_output().out("nothing was left to do: every run had ended before", highlight=False)
        if unfinished := sum(run.status not in AS_PLANNED for run in runs):
            # SystemExit prints its message and sets the status 1. Hydra turns any other error into a warning.
            raise SystemExit(f"error: {unfinished} of {len(runs)} runs did not finish: see above")


def _ended_since(run: Path, start: float) -> bool:
    """Return whether a run wrote its summary after a time, in seconds since 1970; also where it has none."""
    summary = run / SUMMARY
    return not summary.exists() or summary.stat().st_mtime >= start


_pending: dict[Path, Sequence[TrainingCallback]] = {}


def summarise_pending() -> None:
    """Write the summaries of the sweeps that were started and did not reach their regular end."""
    while _pending:
        _summarise(*_pending.popitem())


def _summarise(folder: Path, callbacks: Sequence[TrainingCallback]) -> Sequence[SweepRun]:
    Console().print_ended()
    try:
        if not (runs := write_sweep_summary(folder)):  # the sweep was refused
            return runs
        _write_report(folder, runs)
        for callback in callbacks:
            callback.on_sweep_end(folder, sweep_rows(folder, runs))
        return runs
    except Exception as error:  # the runs are on disk and stay valid
        _log.warning("the sweep in %s has no summary: %s: %s", folder, type(error).__name__, error)
        return ()


def _write_report(folder: Path, runs: Sequence[SweepRun]) -> None:
    """Write the report of a sweep and print its path; where that fails, the sweep stays as it is."""
    try:
        print(f"report: {write_sweep_report(folder, runs)}", flush=True)
    except Exception as error:
        _log.warning("the sweep in %s has no report: %s: %s", folder, type(error).__name__, error)


def write_sweep_summary(folder: Path | str, screen: rich.console.Console | None = None) -> list[SweepRun]:
    """Write `sweep.csv`, `sweep.json` and figures into a sweep's folder, and print its table.

    Args:
        folder: the folder, whichever launcher made it; runs may be unfinished.
        screen: where to print; standard output by default.

    Returns:
        The runs.
    """
    folder, screen = Path(folder), screen or standard_output()
    runs = read_sweep(folder)
    if not runs:
        return runs
    swept = swept_keys(runs)
    groups = group_runs(runs, swept)
    _write_rows(folder, runs)
    compared = comparisons(groups)
    _write_groups(folder, runs, swept, groups, compared)
    print_tables(screen, groups)
    verdicts = [f"{pair['task']}, {pair['architecture']}: {pair['verdict']}" for pair in compared]
    for line in ("", *verdicts, *unfinished_lines(runs)):
        screen.out(line, highlight=False)
    for name, draw in FIGURES.items():
        if (figure := draw(groups)) is not None:
            save(figure, folder / f"{name}.png")
    screen.out(f"sweep.csv, sweep.json and figures: {folder}", highlight=False)
    return runs


def sweep_rows(folder: Path, runs: Sequence[SweepRun]) -> list[dict[str, Any]]:
    """Return the rows of `sweep.csv`, one for each run."""
    swept = swept_keys(runs)
    return [run.row(swept) | {"folder": str(run.folder.relative_to(folder))} for run in runs]


def _write_rows(folder: Path, runs: Sequence[SweepRun]) -> None:
    rows = sweep_rows(folder, runs)
    with (folder / "sweep.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_groups(
    folder: Path,
    runs: Sequence[SweepRun],
    swept: Sequence[str],
    groups: Sequence[Group],
    compared: Sequence[dict[str, Any]],
) -> None:
    content = {
        "runs": len(runs),
        "statuses": dict(collections.Counter(run.status for run in runs)),
        "swept": swept,
        "groups": [group.aggregate() for group in groups],
        "comparisons": compared,
    }
    write_atomically(folder / "sweep.json", to_json(content, indent=2) + "\n")
