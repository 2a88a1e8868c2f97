"""Training of runs as one program: what listens to them is told how each starts and ends."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.runs.debug import find_operation
from seqlab.runs.description import description_of, facts_of
from seqlab.runs.examples import write_examples
from seqlab.runs.objects import Run
from seqlab.runs.restores import restored
from seqlab.runs.resume import FINGERPRINT
from seqlab.runs.verdict import with_verdict
from seqlab.tracking import RunFolder, Tracker, disk
from seqlab.training import Monitor, Plan, compiled_functions, train
from seqlab.training.processes import is_first
from seqlab.types import IncompatibleError

Following = Callable[[Run, dict[str, Any]], Run | None]
"""A function that takes a run that has ended, with its summary, and returns the run of the same family that
takes its place in the program; None where none does."""


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
    following: Following | None = None,
) -> list[dict[str, Any]]:
    """Train runs of one family as one program; return their summaries. Threads take turns.

    Args:
        runs: the runs.
        plan: how many step together, and on which devices.
        make_tracker: returns the tracker of a run.
        further: further keys of every summary.
        places: the place of each run among those of the plan; by default the first ones.
        following: is called with each run as soon as it has ended; None where no run follows another.

    Returns:
        The summaries, in order, of the runs that were not given to `following`.
    """
    with _TURN:
        trained = _Program(make_tracker, further or {}, following)
        return trained.train(runs, plan, places)


@dataclasses.dataclass(frozen=True)
class _Started:
    """A run that its listeners have been told of.

    Attributes:
        run: the run.
        tracker: its tracker.
        description: of the run, for its summary.
    """

    run: Run
    tracker: Tracker
    description: Mapping[str, Any]


class _Program:
    """The runs that a program trains at present."""

    def __init__(
        self,
        make_tracker: Callable[[Run], Tracker],
        further: Mapping[str, Any],
        following: Following | None,
    ) -> None:
        self._make_tracker, self._further, self._following = make_tracker, further, following
        self._present: dict[Monitor, _Started] = {}

    def train(self, runs: Sequence[Run], plan: Plan, places: Sequence[int] | None) -> list[dict[str, Any]]:
        """Train runs and those that follow them."""
        family = runs[0].family
        # compiles while the trackers start
        compiled_functions(family, plan).prepare(family.program.training, runs[0].hyperparameters)
        monitors = self._start(runs)
        try:
            successor = None if self._following is None else self._succeed
            ended = train(family, monitors, plan, places, successor)
        except BaseException as error:
            summary = {"status": status_of(error), "reason": f"{type(error).__name__}: {error}"}
            for one in self._present.values():
                with contextlib.suppress(OSError):  # of a full disk, `error` tells
                    _finish(one.run, one.tracker, with_verdict({**summary, **one.description}))
            raise
        for monitor, _ in ended:
            self._write_examples(monitor)
        summaries = [self._summary(monitor, result) for monitor, result in ended]
        for (monitor, _), summary in zip(ended, summaries, strict=True):
            _finish(self._present[monitor].run, self._present[monitor].tracker, summary)
        return summaries

    def _start(self, runs: Sequence[Run]) -> list[Monitor]:
        """Tell the listeners of runs what these are; return their monitors."""
        trackers = list(map(self._make_tracker, runs))
        described, monitors = _start(runs, trackers)
        self._present |= dict(zip(monitors, map(_Started, runs, trackers, described), strict=True))
        return monitors

    def _succeed(self, monitor: Monitor, result: dict[str, Any]) -> Monitor | None:
        """Finish a run that has ended, and start the one that follows."""
        assert self._following is not None
        self._write_examples(monitor)
        summary, one = self._summary(monitor, result), self._present[monitor]
        _finish(one.run, one.tracker, summary)
        del self._present[monitor]
        run = self._following(one.run, summary)
        return None if run is None else self._start([run])[0]

    def _summary(self, monitor: Monitor, result: Mapping[str, Any]) -> dict[str, Any]:
        one = self._present[monitor]
        return with_verdict({**one.description, **result, **_operation(one.run, result), **self._further})

    def _write_examples(self, monitor: Monitor) -> None:
        """Write examples with the answers of the best parameters into the folder of a run that was tested."""
        run = self._present[monitor].run
        if is_first() and (count := run.program.training.num_examples) and monitor.has_test:
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
            summary = {"status": status_of(error), "reason": f"{type(error).__name__}: {error}"}
            with contextlib.suppress(OSError):  # of a full disk, `error` tells
                record(run.info.folder, summary | description_of(run))
        raise


def record(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary of a run that did not start."""
    if is_first():
        RunFolder(folder).finish(with_verdict(summary))


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


def status_of(error: BaseException) -> str:
    """Return the status of a run that an error ended. A disk that fails interrupts it: it can be resumed."""
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, OSError) and error.errno in disk.ERRORS):
        return "interrupted"
    return "incompatible" if isinstance(error, IncompatibleError) else "failed"
