"""Trials of a search: Optuna is asked for the overrides of each run, and told how the run ended."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.runs.study import optuna
from seqlab.sweeps.search.objectives import value_of
from seqlab.sweeps.search.space import Space

OVERRIDES, SWEEP = "overrides", "sweep"
"""The attributes of a trial that hold its overrides, and the folder of the sweep that runs it."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A run that a search asks for.

    Attributes:
        number: of its trial, and of the run in the sweep.
        overrides: the overrides of the run.
    """

    number: int
    overrides: tuple[str, ...]


class Trials:
    """The trials of a search, one for each run.

    Trials that were left running, as those of a search that was killed, come first. Their runs continue from
    their checkpoints.
    """

    def __init__(
        self,
        study: Any,
        space: Space,
        objectives: Sequence[str],
        folder: Path,
        limits: tuple[int | None, float | None],
    ) -> None:
        """Begin a search, or go on with it.

        Args:
            study: Optuna's study.
            space: the search space.
            objectives: what is optimised.
            folder: the folder of the sweep.
            limits: the trials of the study in all, and the seconds after which none is begun; None for any.
        """
        self._study, self._space, self._objectives = study, space, objectives
        self._folder = str(folder.absolute())
        self._most, seconds = limits
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._is_over = False
        study.stop = self._stop  # a sampler whose values are used up calls it, also without `study.optimize`
        states = optuna().trial.TrialState
        self._left = [
            Job(one.number, tuple(one.user_attrs[OVERRIDES]))
            for one in study.get_trials(deepcopy=False, states=(states.RUNNING,))
            if one.user_attrs.get(SWEEP) == self._folder and OVERRIDES in one.user_attrs
        ]

    def ask(self) -> Job | None:
        """Return the next run; None where the search is over."""
        if self._is_over or (self._deadline is not None and time.monotonic() >= self._deadline):
            return None
        if self._left:
            job = self._left.pop(0)
            return Job(job.number, (*job.overrides, *self._resume))
        if self._most is not None and len(self._study.get_trials(deepcopy=False)) >= self._most:
            return None
        trial = self._study.ask()
        overrides = [one for one in self._space.overrides(trial) if one not in self._resume]
        trial.set_user_attr(OVERRIDES, overrides)
        trial.set_user_attr(SWEEP, self._folder)
        return Job(trial.number, tuple(overrides))

    def batch(self, size: int) -> list[Job]:
        """Return the next runs, at most `size`."""
        jobs: list[Job] = []
        while len(jobs) < size and (job := self.ask()) is not None:
            jobs.append(job)
        return jobs

    def tell(self, number: int, summary: Mapping[str, Any] | None) -> None:
        """Tell how a run ended.

        Args:
            number: of its trial.
            summary: its summary; None for a run that failed without one.
        """
        states = optuna().trial.TrialState
        status = None if summary is None else summary["status"]
        if summary is not None and status == "finished":
            self._study.tell(number, [value_of(summary, one) for one in self._objectives])
        else:
            self._study.tell(number, state=states.PRUNED if status == "pruned" else states.FAIL)

    def _stop(self) -> None:
        """Ask for no further trial."""
        self._is_over = True

    @property
    def _resume(self) -> tuple[str, ...]:
        """The override by which a run continues, where the sweep is resumed."""
        return tuple(one for one in self._space.fixed if one == "resume=auto")
