"""Execution of requested runs: build, train, tell the trackers, summarise."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqlab.data.memory import hold
from seqlab.interrupts import interruptible
from seqlab.runs.build import build
from seqlab.runs.compose import compose_request
from seqlab.runs.files import holds_run, remove_run, write_request
from seqlab.runs.folders import removed_if_refused
from seqlab.runs.last import with_last_run
from seqlab.runs.multiprocess import as_one_run
from seqlab.runs.objects import Run, make_family
from seqlab.runs.program import record, restore_while_diverged, status_of, train_runs
from seqlab.runs.request import Request, resolve
from seqlab.runs.resume import ended
from seqlab.runs.sweep_place import place_of
from seqlab.runs.width import with_chosen_width
from seqlab.tracking import Callback, RunFolder, Tracker, Trackers, write_atomically
from seqlab.tracking.run_folder import ROWS, drop_rows
from seqlab.training import Checkpoints, offer_cores
from seqlab.training.processes import is_first, wait_for_all
from seqlab.types import ConfigError


def run(
    overrides: Sequence[str] = (),
    config_dir: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    data: Any = None,
) -> dict[str, Any]:
    """Train one model as `python -m seqlab.train` would, and return its summary.

    It may be called from a notebook, a thread, a Hydra application or an agent of W&B; the caller's Hydra is
    left as it was.

    Args:
        overrides: Hydra overrides, such as `["cell=gru", "task=adding", "training.steps=100"]`.
        config_dir: a folder of further config groups, such as `experiment/`.
        callbacks: hooks that are called while the model is trained (`seqlab.tracking.Callback`).
        data: data in memory that the task reads in place of `task.source`: columns by name, `{"text": [...],
            "label": [...]}`, or such columns of each split, `{"train": {...}, "test": {...}}`. Instead of a
            dict there may be a pandas frame. A column is a list or an array, so `(N, T, F)` holds N series.

    Returns:
        The content of the run's `summary.json`. `summary["folder"]` is the run folder.

    Raises:
        seqlab.types.ConfigError: a key, a value or a combination that is not legal.
    """
    offer_cores()
    if data is not None:
        overrides = [*overrides, f"task.source='{hold(data)}'"]
    return execute(compose_request(with_last_run(overrides, config_dir), config_dir), callbacks)


def execute(request: Request, callbacks: Sequence[Callback] = ()) -> dict[str, Any]:
    """Execute one run by itself, in this process or in several; return what was written to `summary.json`.

    Args:
        request: the run.
        callbacks: hooks in addition to those of its config.

    Raises:
        ConfigError: a key, a value or a combination that is not legal, or a run in the folder that may not be
            changed so. Nothing is written then, unless the run is one of a sweep.
    """
    with interruptible(), removed_if_refused(request.folder), as_one_run(request) as request:
        run = prepare(request)
        if not isinstance(run, Run):
            return run
        wait_for_all("before the folder changes")
        if is_first():
            open_folder(run)
        run = dataclasses.replace(run, callbacks=(*run.callbacks, *callbacks) if is_first() else ())
        summary = train_runs([run], run.plan, tracker_of)[0]
        return restore_while_diverged(run, summary, tracker_of)


def prepare(request: Request) -> Run | dict[str, Any]:
    """Make the objects of a run; return the summary instead where the run had ended and is to stay so.

    The folder of a run that was interrupted, or that is refused as one of a sweep, gets a summary that says
    so, unless it holds a run.

    Raises:
        ConfigError: as `execute`.
    """
    try:
        config = resolve((request := with_chosen_width(request)).config)
        if (summary := ended(request, config)) is None:
            return build(request)
        if summary["status"] != "incompatible":
            make_family(config)  # a value that is not legal is refused, although nothing is to be done
        return summary
    except (ConfigError, KeyboardInterrupt) as error:
        is_recorded = isinstance(error, KeyboardInterrupt) or place_of(request.folder, request.hydra).sweep
        if is_recorded and is_first() and not holds_run(request.folder):
            write_request(request)
            summary = {"status": status_of(error), "reason": str(error), **request.identity}
            record(request.folder, summary)
        raise


def open_folder(run: Run) -> None:
    """Put into a run's folder what training starts from, and remove what does not belong to it any more."""
    folder, checkpoints = run.info.folder, Checkpoints(run.info.folder)
    continues = run.source == folder
    if not continues and holds_run(folder):  # as `overwrite` allows
        remove_run(folder)
    if run.source is None:
        checkpoints.clear()
    elif not continues:
        shutil.copy(run.source / ROWS, folder)
        checkpoints.adopt(run.source)
    if run.info.resumed_from is not None:
        checkpoints.discard_after(run.info.resumed_from)
    if run.restored is not None and run.restored.surplus:
        drop_rows(folder, int(run.restored.state.step), run.restored.surplus)
        checkpoints.discard_best_after(run.restored.notes["best_step"])
    write_request(run.request)
    for name, text in run.program.task.artifacts().items():
        write_atomically(folder / name, text)


def tracker_of(run: Run) -> Tracker:
    """Return the tracker of a run by itself; only errors of the run folder end the run."""
    if not is_first():
        return Trackers([])
    return Trackers([RunFolder(run.info.folder)], list(run.trackers.values()))
