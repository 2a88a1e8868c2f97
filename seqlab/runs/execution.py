"""Execution of requested runs: build, train, tell the trackers, summarise."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.data.memory import hold
from seqlab.runs.compose import compose_request
from seqlab.runs.folder import write_hydra_files
from seqlab.runs.objects import Run, build
from seqlab.runs.outcome import earlier_outcome
from seqlab.runs.provenance import git_commit, versions
from seqlab.runs.request import Request
from seqlab.tracking import Callback, RunFolder, Tracker, Trackers
from seqlab.training import Checkpoints, Monitor, Plan, compiled_functions, offer_cores, train
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
    request = compose_request(overrides, config_dir)
    write_hydra_files(request, overrides)
    return execute(request, callbacks)


def execute(request: Request, callbacks: Sequence[Callback] = ()) -> dict[str, Any]:
    """Execute one run by itself; return what was written to `summary.json`.

    Args:
        request: the run.
        callbacks: hooks in addition to those of its config.

    Raises:
        ConfigError: a key, a value or a combination that is not legal. `summary.json` then says failed or
            incompatible.
    """
    if (summary := earlier_outcome(request)) is not None:
        return summary
    run = prepare(request)
    run = dataclasses.replace(run, callbacks=(*run.callbacks, *callbacks))
    return train_runs([run], Plan(devices=run.num_devices), tracker_of)[0]


def prepare(request: Request) -> Run:
    """Make the objects of a run and put into its folder what training starts from.

    Raises:
        ConfigError: as `execute`.
    """
    try:
        run = build(request)
        _adopt_checkpoints(run)
    except ConfigError as error:
        status = "incompatible" if isinstance(error, IncompatibleError) else "failed"
        RunFolder(request.folder).finish({"status": status, "reason": str(error), **request.identity})
        raise
    for name, text in run.program.task.artifacts().items():
        request.folder.mkdir(parents=True, exist_ok=True)
        (request.folder / name).write_text(text, encoding="utf-8")
    return run


def _adopt_checkpoints(run: Run) -> None:
    """Copy checkpoints and rows of the run that `resume` names, where that is another folder."""
    resume = run.info.config["resume"]
    if resume in (None, "auto") or Path(resume).resolve() == run.info.folder.resolve():
        return
    Checkpoints(run.info.folder).adopt(Path(resume))
    shutil.copy(Path(resume) / "metrics.jsonl", run.info.folder)


def tracker_of(run: Run) -> Tracker:
    """Return the tracker of a run by itself; only errors of the run folder end the run."""
    return Trackers([RunFolder(run.info.folder)], list(run.trackers.values()))


_TURN = threading.RLock()
"""Held by the thread that trains. Two programs that are dispatched to several devices at once, from two
threads, can wait for each other forever. A hook may train a further run."""


def train_runs(
    runs: Sequence[Run],
    plan: Plan,
    make_tracker: Callable[[Run], Tracker],
    further: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Train runs of one family as one program; return their summaries. Threads take turns.

    Args:
        runs: the runs, which all start afresh or all continue from the same step.
        plan: how many step together, and on which devices.
        make_tracker: returns the tracker of a run.
        further: further keys of every summary.
    """
    with _TURN:
        return _train_runs(runs, plan, make_tracker, further or {})


def _train_runs(
    runs: Sequence[Run],
    plan: Plan,
    make_tracker: Callable[[Run], Tracker],
    further: Mapping[str, Any],
) -> list[dict[str, Any]]:
    family = runs[0].family
    compiled_functions(family, plan).prepare(runs[0].hyperparameters)  # compiles while the trackers start
    trackers = [make_tracker(run) for run in runs]
    for run, tracker in zip(runs, trackers, strict=True):
        tracker.start(run.info)
        for callback in run.callbacks:
            callback.on_start(run.info)
    data = {"data_fingerprint": family.program.task.fingerprint(), "data": family.program.task.data_summary()}
    described = [{**_description(run), **data} for run in runs]
    monitors = [
        Monitor(family.program, run.info, tracker, run.hyperparameters, run.callbacks)
        for run, tracker in zip(runs, trackers, strict=True)
    ]
    try:
        ended = train(family, monitors, plan)
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        reason = f"{type(error).__name__}: {error}"
        for run, description, tracker in zip(runs, described, trackers, strict=True):
            _finish(run, tracker, {"status": status, "reason": reason, **description})
        raise
    summaries = [{**description, **one, **further} for description, one in zip(described, ended, strict=True)]
    for run, tracker, summary in zip(runs, trackers, summaries, strict=True):
        _finish(run, tracker, summary)
    return summaries


def _finish(run: Run, tracker: Tracker, summary: Mapping[str, Any]) -> None:
    """Tell the listeners of a run how it ended."""
    tracker.finish(summary)
    for callback in run.callbacks:
        callback.on_end(summary)


def _description(run: Run) -> dict[str, Any]:
    """Return the part of the summary that says what was run, and by which versions."""
    info = run.info
    return run.request.identity | {
        "folder": str(info.folder.absolute()),
        "num_params": info.num_params,
        "num_devices": run.num_devices,
        "metric": info.goal.metric,
        "higher_is_better": info.goal.higher_is_better,
        "versions": versions(),
        "git_commit": git_commit(),
    }
