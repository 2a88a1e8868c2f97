"""Checkpoints of the runs of a program, saved in the background; one that waits may be replaced."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Future
from typing import Any

from seqlab.training.background import Background
from seqlab.training.monitor import Monitor
from seqlab.training.state import TrainState
from seqlab.types import Params

FEW = 64
"""The saves that may wait before later ones replace them. Each takes some 30 ms, on one thread."""


@dataclasses.dataclass
class _Calls:
    """What was submitted of one run.

    Attributes:
        latest: the save of its latest state.
        own: the saves of best parameters to which no earlier state refers.
        new: the saves of best parameters since then.
        replaces: whether that state has replaced another.
    """

    latest: Future[Any] | None = None
    own: list[Future[Any]] = dataclasses.field(default_factory=list)
    new: list[Future[Any]] = dataclasses.field(default_factory=list)
    replaces: bool = False

    def replace(self) -> bool:
        """Cancel the latest state if it waits, and the best parameters to which it alone refers.

        Returns:
            Whether it was cancelled.
        """
        if self.latest is None or self.replaces or not self.latest.cancel():
            return False
        for older in [*self.own, *self.new][:-1]:  # the next state may refer to the last one
            older.cancel()
        return True


class Saves:
    """The saves of runs, those of each run in order.

    Where many wait, a run's latest state replaces the one that it has waiting, so that the runs do not wait
    for states that nobody would resume from. A state that has replaced another is not replaced itself: the
    next one waits until it is saved. So what a kill leaves is at most two checkpoints old.
    """

    def __init__(self, background: Background) -> None:
        """Begin without a save.

        Args:
            background: makes the saves.
        """
        self._background = background
        self._calls: dict[Monitor, _Calls] = {}

    def best(self, monitor: Monitor, params: Params) -> None:
        """Save the best parameters of a run so far."""
        call = self._background.submit(monitor.checkpoints.save_best, monitor.steps, params)
        self._calls.setdefault(monitor, _Calls()).new.append(call)

    def latest(self, monitor: Monitor, state: TrainState) -> None:
        """Save the latest state of a run, which may refer to the newest of its best parameters."""
        calls = self._calls.setdefault(monitor, _Calls())
        if calls.replaces and calls.latest is not None:
            self._background.finish(calls.latest)
        replaces = self._background.waiting() > FEW and calls.replace()
        own = [*calls.own, *calls.new] if replaces else calls.new
        call = self._background.submit(monitor.checkpoints.save_latest, state, monitor.notes())
        self._calls[monitor] = _Calls(call, own, [], replaces)
