"""Trials of a search as few programs: where a run ends, the next trial takes its place in the program."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable
from typing import Any

from seqlab.interrupts import interruptible
from seqlab.runs.execution import open_folder, prepare
from seqlab.runs.objects import Run
from seqlab.runs.program import status_of, train_runs
from seqlab.runs.request import Request
from seqlab.runs.restores import restored
from seqlab.sweeps.programs import Sharing, choose_program
from seqlab.sweeps.search.pruning import pruning_of
from seqlab.sweeps.search.trials import Job, Trials
from seqlab.tracking import Console, RunFolder, Tracker, Trackers, read_summary
from seqlab.tracking.lines import number
from seqlab.tracking.lock import locked
from seqlab.training import Family, Plan
from seqlab.types import ConfigError

_log = logging.getLogger(__name__)


class Stream:
    """The runs of a search on this machine, at most `size` of one family at a time.

    A trial of another family waits until the present program has ended, and another one trains it. As many
    trials as a program has runs may wait.
    """

    def __init__(
        self, trials: Trials, request_of: Callable[[Job], Request], sharing: Sharing, size: int
    ) -> None:
        """Take the trials, what makes the request of one, and how runs share a program."""
        self._trials, self._request_of, self._sharing, self._size = trials, request_of, sharing, size
        self._waiting: list[Run] = []
        self._numbers: dict[str, int] = {}
        self._locks = contextlib.ExitStack()

    def run(self) -> None:
        """Train trials until the search is over.

        Raises:
            ConfigError: another process writes to one of the folders.
            KeyboardInterrupt: the search was interrupted; the trials that are left running can be resumed.
        """
        with interruptible(), self._locks:
            while (first := self._next()) is not None:
                runs = [first]
                while len(runs) < self._size and (run := self._next(first.family)) is not None:
                    runs.append(run)
                self._train(runs)

    def _next(self, family: Family | None = None) -> Run | None:
        """Return the next run of a family, or of any; None where there is none, or too many others wait."""
        for run in self._waiting:
            if family is None or run.family == family:
                self._waiting.remove(run)
                return run
        while len(self._waiting) < self._size and (run := self._ask()) is not None:
            if family is None or run.family == family:
                return run
            self._waiting.append(run)
        return None

    def _ask(self) -> Run | None:
        """Return the run of the next trial that can be trained; None where the search is over."""
        while (job := self._trials.ask()) is not None:
            request = self._request_of(job)
            self._locks.enter_context(locked([request.folder]))
            try:
                run = prepare(request)
            except ConfigError as error:
                _log.error("%s (%s)", error, request.folder)
                self._trials.tell(job.number, {"status": status_of(error)})
                continue
            if isinstance(run, Run):
                self._numbers[str(run.info.folder)] = job.number
                return dataclasses.replace(run, callbacks=(*run.callbacks, *pruning_of(request)))
            self._trials.tell(job.number, run)
        return None

    def _train(self, runs: list[Run]) -> None:
        """Train runs of one family and those that follow them."""
        size, plan = self._choose(runs)
        self._waiting = [*runs[size:], *self._waiting]
        present = {str(run.info.folder): run for run in runs[:size]}
        for run in present.values():
            open_folder(run)

        def following(run: Run, summary: dict[str, Any]) -> Run | None:
            del present[str(run.info.folder)]
            if (after := restored(run, summary)) is None:
                self._tell(run, summary)
                after = self._next(run.family)
            if after is not None:
                present[str(after.info.folder)] = after
                open_folder(after)
            return after

        try:
            ended = train_runs(runs[:size], plan, _tracker_of, following=following)
        except Exception as error:  # the other programs continue
            if status_of(error) == "interrupted":
                raise
            _log.exception("%d runs failed", len(present))
            for folder in present:
                self._trials.tell(self._numbers[folder], None)
            return
        if any(summary["status"] == "interrupted" for summary in ended):
            raise KeyboardInterrupt
        for run in present.values():  # without a step to make
            self._tell(run, read_summary(run.info.folder))

    def _choose(self, runs: list[Run]) -> tuple[int, Plan]:
        """Return how many of some runs are one program, and its plan."""
        if self._size == 1:
            return 1, runs[0].plan
        size, plan, _ = choose_program(runs[0], len(runs), self._sharing)
        return size, plan

    def _tell(self, run: Run, summary: dict[str, Any]) -> None:
        """Tell the search how a run ended, and print it."""
        trial = self._numbers[str(run.info.folder)]
        self._trials.tell(trial, summary)
        best = summary.get("best", {}).get(run.info.goal_key)
        score = "" if best is None else f", {run.info.goal_key} {number(best)}"
        for console in (one for one in run.trackers.values() if isinstance(one, Console)):
            console.print(f"trial {trial}: {summary['status']} at step {summary['steps']:,}{score}")


def _tracker_of(run: Run) -> Tracker:
    """Return the tracker of a run among others, of which no progress is printed."""
    others = [one for one in run.trackers.values() if not isinstance(one, Console)]
    return Trackers([RunFolder(run.info.folder)], others)
