"""Execution of requested runs: build, train, tell the trackers, summarise."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.data.memory import hold
from seqlab.interrupts import interruptible
from seqlab.runs.build import build
from seqlab.runs.compose import compose_request
from seqlab.runs.debug import find_operation
from seqlab.runs.description import description_of, facts_of
from seqlab.runs.examples import write_examples
from seqlab.runs.files import holds_run, remove_run, write_request
from seqlab.runs.folders import removed_if_refused
from seqlab.runs.last import with_last_run
from seqlab.runs.multiprocess import as_one_run
from seqlab.runs.objects import Run, make_family
from seqlab.runs.request import Request, resolve
from seqlab.runs.restores import restored
from seqlab.runs.resume import FINGERPRINT, ended
from seqlab.runs.sweep_place import place_of
from seqlab.runs.verdict import with_verdict
from seqlab.runs.width import with_chosen_width
from seqlab.tracking import Callback, RunFolder, Tracker, Trackers, disk, write_atomically
from seqlab.tracking.run_folder import ROWS, drop_rows
from seqlab.training import Checkpoints, Monitor, Plan, compiled_functions, offer_cores, train
from seqlab.training.processes import is_first, wait_for_all
from seqlab.types import ConfigError, IncompatibleError


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
            summary = {"status": _status(error), "reason": str(error), **request.identity}
            _record(request.folder, summary)
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


def _record(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary of a run that did not start."""
    if is_first():
        RunFolder(folder).finish(with_verdict(summary))


_TURN = threading.RLock()
"""Held by the thread that trains. Two programs that are dispatched to several devices at once, from two
threads, can wait for each other forever. A hook may train a further run."""


def restore_while_diverged(
    run: Run, summary: dict[str, Any], make_tracker: Callable[[Run], Tracker]
) -> dict[str, Any]:
    """Train a run again from a checkpoint while it diverges and its config asks for that; see `restored`.

    Args:
        run: a run that has ended.
        summary: its summary.
        make_tracker: returns the tracker of a run.

    Returns:
        The summary of its last end.
    """
    while (again := restored(run, summary)) is not None:
        run = again
        summary = train_runs([run], run.plan, make_tracker)[0]
    return summary


def train_runs(
    runs: Sequence[Run],
    plan: Plan,
    make_tracker: Callable[[Run], Tracker],
    further: Mapping[str, Any] | None = None,
    places: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """Train runs of one family as one program; return their summaries. Threads take turns.

    Args:
        runs: the runs, which all start afresh or all continue from the same step.
        plan: how many step together, and on which devices.
        make_tracker: returns the tracker of a run.
        further: further keys of every summary.
        places: the place of each run among those of the plan; by default the first ones.
    """
    with _TURN:
        return _train_runs(runs, plan, make_tracker, further or {}, places)


def _train_runs(
    runs: Sequence[Run],
    plan: Plan,
    make_tracker: Callable[[Run], Tracker],
    further: Mapping[str, Any],
    places: Sequence[int] | None,
) -> list[dict[str, Any]]:
    family = runs[0].family
    compiled_functions(family, plan).prepare(runs[0].hyperparameters)  # compiles while the trackers start
    trackers = [make_tracker(run) for run in runs]
    described, monitors = _start(runs, trackers)
    try:
        results = train(family, monitors, plan, places)
    except BaseException as error:
        status, reason = _status(error), f"{type(error).__name__}: {error}"
        for run, description, tracker in zip(runs, described, trackers, strict=True):
            with contextlib.suppress(OSError):  # of a full disk, `error` tells
                _finish(run, tracker, with_verdict({"status": status, "reason": reason, **description}))
        raise
    if is_first():
        _write_examples(runs, monitors)
    summaries = [
        with_verdict({**description, **one, **_operation(run, one), **further})
        for run, description, one in zip(runs, described, results, strict=True)
    ]
    for run, tracker, summary in zip(runs, trackers, summaries, strict=True):
        _finish(run, tracker, summary)
    return summaries


def _write_examples(runs: Sequence[Run], monitors: Sequence[Monitor]) -> None:
    """Write examples with the answers of the best parameters into the folder of each run that was tested."""
    for run, monitor in zip(runs, monitors, strict=True):
        if (count := run.program.training.num_examples) and monitor.has_test:
            write_examples(run.info.folder, run.program, monitor.best_params, count)


def _start(runs: Sequence[Run], trackers: Sequence[Tracker]) -> tuple[list[dict[str, Any]], list[Monitor]]:
    """Tell the listeners of runs what these are. Where that fails, the summaries say so.

    Returns:
        The description of each run, for its summary, and its monitor.
    """
    program = runs[0].program
    try:
        for run, tracker in zip(runs, trackers, strict=True):
            tracker.start(run.info)
            for callback in run.callbacks:
                callback.on_start(run.info)
        data = {FINGERPRINT: program.task.fingerprint(), "data": program.task.data_summary()}
        facts = [{**facts_of(run), FINGERPRINT: data[FINGERPRINT]} for run in runs]
        monitors = [
            Monitor(
                *(program, run.info, tracker, run.hyperparameters, run.callbacks),
                *(run.restored, noted, run.transplant),
            )
            for run, tracker, noted in zip(runs, trackers, facts, strict=True)
        ]
        return [{**description_of(run), **data} for run in runs], monitors
    except BaseException as error:
        for run in runs:
            summary = {"status": _status(error), "reason": f"{type(error).__name__}: {error}"}
            with contextlib.suppress(OSError):  # of a full disk, `error` tells
                _record(run.info.folder, summary | description_of(run))
        raise


def _finish(run: Run, tracker: Tracker, summary: Mapping[str, Any]) -> None:
    """Tell the listeners of a run how it ended."""
    tracker.finish(summary)
    for callback in run.callbacks:
        callback.on_end(summary)


def _operation(run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the operation in which a run diverged, where its config asks for it."""
    if result["status"] != "diverged" or run.info.config.get("debug") != "nans":
        return {}
    return {"operation": find_operation(run)}


def _status(error: BaseException) -> str:
    """Return the status of a run that an error ended. A disk that fails interrupts it: it can be resumed."""
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, OSError) and error.errno in disk.ERRORS):
        return "interrupted"
    return "incompatible" if isinstance(error, IncompatibleError) else "failed"
