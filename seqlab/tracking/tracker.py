"""Interface of a tracker, and a tracker that passes everything to several others."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from seqlab.types import Goal

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RunInfo:
    """Plain data about a run, which its trackers receive before the first row.

    Attributes:
        folder: the run folder.
        goal: the metric that decides which parameters are the best.
        config: the resolved config, as plain dicts and lists.
        cell: the chosen cell's name; likewise `architecture` and `task`.
        seed: the seed of the run.
        experiment: the experiment's name; None where none was chosen.
        steps: the number of optimiser updates in the whole run.
        tokens_per_step: the number of positions in one batch, padding included.
        num_params: the number of trained parameters.
        state_size: the number of elements of the recurrent carries of one sequence; 0 without recurrence.
        resumed_from: the step of the checkpoint that the run continues from; None for a fresh start.
        sweep: the name of the sweep that the run belongs to; None for a run by itself.
        notes: sentences about the width and the data that a user should know before the run starts.
        axes: the overrides `key=value` that distinguish the run within its sweep.
    """

    folder: Path
    goal: Goal
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    cell: str = ""
    architecture: str = ""
    task: str = ""
    seed: int = 0
    experiment: str | None = None
    steps: int = 0
    tokens_per_step: int = 0
    num_params: int = 0
    state_size: int = 0
    resumed_from: int | None = None
    sweep: str | None = None
    axes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def goal_key(self) -> str:
        """The key under which rows carry the deciding metric: `eval/<metric>`."""
        return f"eval/{self.goal.metric}"


class Tracker(Protocol):
    """A listener to one run: `start` once, `log` for every row, `finish` once.

    A config names one by its `_target_` under `tracking.<name>`. It may also have a method
    `finish_sweep(folder, rows)`, which is called on an object of its own at the end of a sweep, with the
    folder in which tables and figures lie, and a row for each run, as in `sweep.csv`.
    """

    def start(self, info: RunInfo) -> None:
        """Receive what the run is, before its first row."""

    def log(self, row: Mapping[str, Any]) -> None:
        """Receive one row: `{"step": int}` and metrics, each a number, a list or an array."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Receive how the run ended; `summary["status"]` is one of `seqlab.tracking.STATUSES`."""


class Trackers:
    """A tracker that passes everything to several others.

    An error of a required tracker propagates. An optional tracker that fails is dropped with one warning,
    and the run continues.
    """

    def __init__(self, required: Sequence[Tracker], optional: Sequence[Tracker] = ()) -> None:
        """Take the trackers; the required ones are called first."""
        self._required = tuple(required)
        self._optional = list(optional)

    def start(self, info: RunInfo) -> None:
        self._call("start", info)

    def log(self, row: Mapping[str, Any]) -> None:
        self._call("log", row)

    def finish(self, summary: Mapping[str, Any]) -> None:
        try:
            self._call_required("finish", summary)
        finally:  # the progress bar must release the terminal even where the disk is full
            self._call_optional("finish", summary)

    def _call(self, method: str, argument: Any) -> None:
        self._call_required(method, argument)
        self._call_optional(method, argument)

    def _call_required(self, method: str, argument: Any) -> None:
        for tracker in self._required:
            getattr(tracker, method)(argument)

    def _call_optional(self, method: str, argument: Any) -> None:
        for tracker in tuple(self._optional):
            try:
                getattr(tracker, method)(argument)
            except Exception as error:
                self._optional.remove(tracker)
                name = type(tracker).__name__
                _log.warning("%s is dropped from this run: %s failed: %s", name, method, error)
