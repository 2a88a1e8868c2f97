"""Trials of a search: Optuna is asked for the overrides of each run, and told how the run ended."""

from __future__ import annotations

import dataclasses
import datetime
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from seqlab.runs.request import RESUMES
from seqlab.runs.study import optuna
from seqlab.sweeps.search.objectives import value_of
from seqlab.sweeps.search.space import Space
from seqlab.sweeps.search.study import id_of

_log = logging.getLogger(__name__)

OVERRIDES, SWEEP, STATUS = "overrides", "sweep", "status"
"""The attributes of a trial that hold its overrides, the sweep that runs it, and how its run ended."""

OPEN = ("interrupted", "unfinished")
"""The statuses of runs that a resumed search continues."""

CLAIM_SECONDS = 10
"""How long after its start a trial of a shared storage may be without the name of its sweep."""


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
    their checkpoints. If a run had already ended, the study receives its result.
    """

    def __init__(
        self,
        study: Any,
        space: Space,
        objectives: Sequence[str],
        sweep: str,
        limits: tuple[int | None, float | None],
        is_own: bool = True,
    ) -> None:
        """Begin a search, or go on with it.

        Args:
            study: Optuna's study.
            space: the search space.
            objectives: what is optimised.
            sweep: the name of the sweep in the study.
            limits: the trials of the study in all, and the seconds after which none is begun; None for any.
            is_own: whether no other sweep has trials in the study.
        """
        self._study, self._space, self._objectives = study, space, objectives
        self._sweep, self._is_own = sweep, is_own
        self._most, seconds = limits
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._is_over = False
        study.stop = self._stop  # a sampler whose values are used up calls it, also without `study.optimize`
        states = optuna().trial.TrialState
        running = study.get_trials(deepcopy=False, states=(states.RUNNING,))
        self._left = {one.number: one.user_attrs.get(OVERRIDES) for one in running if self._is_ours(one)}

    def ask(self) -> Job | None:
        """Return the next run; None where the search is over."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return None
        if self._left:
            number = next(iter(self._left))
            overrides = self._left.pop(number)
            if overrides is None:  # its values had not been chosen
                trial = optuna().trial.Trial(self._study, id_of(self._study, number))
                overrides = self._choose(trial)
            return Job(number, (*overrides, *self._resume))
        if self._is_over:
            return None
        if self._most is not None and len(self._study.get_trials(deepcopy=False)) >= self._most:
            return None
        trial = self._study.ask()
        return Job(trial.number, self._choose(trial))

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
            summary: its summary; None for a run that failed without one. The trial of a run that was
                interrupted or killed continues when the search is resumed.
        """
        states = optuna().trial.TrialState
        status = "failed" if summary is None else summary["status"]
        if status in OPEN:
            _log.warning("trial %d is %s: sweep.resume=DIR continues it", number, status)
            return
        values: list[float | None] = []
        if summary is not None and status == "finished":
            values = [value_of(summary, one) for one in self._objectives]
            if None in values:
                objective = self._objectives[values.index(None)]
                _log.warning("trial %d has no finite %s, so it counts as failed", number, objective)
                status = "failed"
        self._study._storage.set_trial_user_attr(id_of(self._study, number), STATUS, status)
        if status == "finished":
            self._study.tell(number, values)
        else:
            self._study.tell(number, state=states.PRUNED if status == "pruned" else states.FAIL)

    def _stop(self) -> None:
        """Ask for no further trial."""
        self._is_over = True

    def _choose(self, trial: Any) -> tuple[str, ...]:
        """Return the overrides of a trial, which the sampler chooses, and keep them with it."""
        trial.set_user_attr(SWEEP, self._sweep)
        chosen = [one for one in self._space.overrides(trial) if one not in self._resume]
        trial.set_user_attr(OVERRIDES, chosen)
        return tuple(chosen)

    def _is_ours(self, trial: Any) -> bool:
        """Return whether a running trial is one that this sweep had begun before.

        A search can be killed before it has written the name of its sweep, which takes it some milliseconds.
        """
        if self._is_own or SWEEP in trial.user_attrs:
            return self._is_own or trial.user_attrs[SWEEP] == self._sweep
        age = datetime.datetime.now() - trial.datetime_start
        return not trial.params and not trial.user_attrs and age.total_seconds() > CLAIM_SECONDS

    @property
    def _resume(self) -> tuple[str, ...]:
        """The overrides by which a run continues, where the sweep is resumed."""
        return tuple(one for one in self._space.fixed if one.partition("=")[0] in RESUMES)
