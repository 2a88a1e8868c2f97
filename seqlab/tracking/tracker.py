"""What is a listener, and how do several hear the same? A failing listener must not end the run."""

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
    """What a listener is told before the first row.

    Attributes:
        folder: the run folder.
        config: the resolved config, as plain dicts and lists.
        cell: the chosen cell's name; likewise `architecture` and `task`.
        seed: the seed of the run.
        experiment: the experiment's name; None where the run belongs to none.
        steps: optimiser updates in the whole run.
        tokens_per_step: input positions in one batch.
        num_params: trained parameters.
        goal: how the run is judged.
        resumed_from: the step of the checkpoint the run goes on from; None where it starts afresh.
        sweep: the name of the sweep it is part of; None for a run alone.
        axes: the overrides, `key=value`, that set it apart within the sweep.
    """

    folder: Path
    config: Mapping[str, Any]
    cell: str
    architecture: str
    task: str
    seed: int
    experiment: str | None
    steps: int
    tokens_per_step: int
    num_params: int
    goal: Goal
    resumed_from: int | None = None
    sweep: str | None = None
    axes: tuple[str, ...] = ()

    @property
    def goal_key(self) -> str:
        """The key under which rows carry the deciding metric: `eval/<metric>`."""
        return f"eval/{self.goal.metric}"


class Tracker(Protocol):
    """A listener to one run: told once how it starts, then every row, then once how it ended."""

    def start(self, info: RunInfo) -> None:
        """Hear what the run is, before its first row."""

    def log(self, row: Mapping[str, Any]) -> None:
        """Hear one row: `{"step": int}` and any metrics, each a number, a list or an array."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Hear how the run ended; `summary["status"]` is one of `seqlab.tracking.STATUSES`."""


class Trackers:
    """Tell several listeners the same; a listener itself.

    An error of a required listener propagates. An optional listener that fails is dropped with one
    warning, and the run goes on.
    """

    def __init__(self, required: Sequence[Tracker], optional: Sequence[Tracker] = ()) -> None:
        """Take the listeners; the required ones hear everything first."""
        self._required = tuple(required)
        self._optional = list(optional)

    def start(self, info: RunInfo) -> None:
        self._tell("start", info)

    def log(self, row: Mapping[str, Any]) -> None:
        self._tell("log", row)

    def finish(self, summary: Mapping[str, Any]) -> None:
        try:
            self._tell_required("finish", summary)
        finally:  # a terminal must be handed back even where the disk is full
            self._tell_optional("finish", summary)

    def _tell(self, event: str, message: Any) -> None:
        self._tell_required(event, message)
        self._tell_optional(event, message)

    def _tell_required(self, event: str, message: Any) -> None:
        for tracker in self._required:
            getattr(tracker, event)(message)

    def _tell_optional(self, event: str, message: Any) -> None:
        for tracker in tuple(self._optional):
            try:
                getattr(tracker, event)(message)
            except Exception as error:
                self._optional.remove(tracker)
                _log.warning("%s hears no more of this run: %s failed: %s", _name(tracker), event, error)


def _name(tracker: Tracker) -> str:
    return type(tracker).__name__
