"""Pruning of a run: its evaluations are reported to the study of its search, whose pruner may end it."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.types import RunMode
from omegaconf import OmegaConf

from seqlab.runs.request import Request
from seqlab.runs.study import optuna
from seqlab.sweeps.search.objectives import evaluated_key
from seqlab.sweeps.search.study import id_of, load, make_pruner, prunes
from seqlab.tracking import Callback, RunInfo
from seqlab.types import Params

SWEEPER = "hydra_plugins.seqlab_sweeper.SearchSweeper"
"""The `_target_` of a search."""


class Pruning(Callback):
    """Callback that reports a run's evaluations to its trial; Optuna's steps are evaluations."""

    def __init__(self, study: Any, number: int, objective: str) -> None:
        """Take the study, the number of the trial, which is that of its run, and the objective."""
        self._objective = objective
        self._study, self._storage = study, study._storage
        self._trial = id_of(study, number)

    def on_start(self, info: RunInfo) -> None:
        self._key = evaluated_key(self._objective, info.goal_key) or info.goal_key
        self._every = info.config["training"]["eval_every"]

    def on_evaluation(self, row: Mapping[str, Any], params: Params) -> None:
        step = math.ceil(row["step"] / self._every)
        trial = self._storage.get_trial(self._trial)
        if self._is_running(trial) and step not in trial.intermediate_values and self._key in row:
            self._storage.set_trial_intermediate_value(self._trial, step, float(row[self._key]))

    def should_prune(self) -> str | None:
        trial = self._storage.get_trial(self._trial)
        if not self._is_running(trial) or not trial.intermediate_values:
            return None
        if not self._study.pruner.prune(self._study, trial):
            return None
        step, value = max(trial.intermediate_values.items())
        pruner = type(self._study.pruner).__name__
        return f"{self._key}={value:g} at evaluation {step} is pruned by {pruner}"

    @staticmethod
    def _is_running(trial: Any) -> bool:
        return trial.state == optuna().trial.TrialState.RUNNING


def pruning_of(request: Request) -> tuple[Callback, ...]:
    """Return the callback that lets a search prune a run; none where no search does."""
    hydra = request.hydra
    if hydra is None or hydra.get("mode") != RunMode.MULTIRUN or hydra.sweeper.get("_target_") != SWEEPER:
        return ()
    settings: Any = OmegaConf.to_container(hydra.sweeper, resolve=True)
    if not prunes(settings["pruner"]):
        return ()
    training = {key: request.config.training[key] for key in ("steps", "eval_every")}
    study = _study(json.dumps([settings, training]), Path(str(hydra.sweep.dir)).absolute())
    return (Pruning(study, int(hydra.job.num), settings["objectives"][0]),)


@functools.lru_cache(maxsize=4)
def _study(settings: str, folder: Path) -> Any:
    """Return the study of a search with its pruner; runs of one process share it."""
    sweeper, training = json.loads(settings)
    return load(sweeper, folder, pruner=make_pruner(sweeper["pruner"], training))
