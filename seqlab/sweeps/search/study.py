"""Optuna's study of a search, with the sampler and the pruner that the config names."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from seqlab.near_misses import near_miss
from seqlab.runs.study import JOURNAL, absolute_storage, is_missing, open_storage, optuna
from seqlab.types import ConfigError

NO_PRUNER = "NopPruner"
"""Optuna's pruner that prunes nothing."""


def make_sampler(node: Mapping[str, Any], num_trials: int) -> Any:
    """Return a sampler.

    Args:
        node: `name` of a class of `optuna.samplers`, or `_target_`, and its arguments.
        num_trials: the trials that the study has. They are added to the seed, so that a search that goes on
            does not draw the same values again.
    """
    seed = node.get("seed")
    further = {} if seed is None else {"seed": seed + num_trials}
    return _component({key: value for key, value in node.items() if key != "seed"} | further, "sampler")


def make_pruner(node: Mapping[str, Any], training: Mapping[str, Any]) -> Any:
    """Return a pruner, whose steps are evaluations.

    Args:
        node: `name` of a class of `optuna.pruners`, or `_target_`, and its arguments.
        training: the node `training` of the config of a run.
    """
    if node.get("name") == "HyperbandPruner" and "max_resource" not in node:
        evaluations = math.ceil(training["steps"] / training["eval_every"])
        node = {**node, "max_resource": max(1, evaluations)}
    return _component(node, "pruner")


def prunes(node: Mapping[str, Any]) -> bool:
    """Return whether a pruner may prune a run."""
    return "_target_" in node or node.get("name") != NO_PRUNER


def id_of(study: Any, number: int) -> int:
    """Return the id in its storage of the trial of a number; Optuna has no public attribute for it."""
    storage = study._storage
    study_id = storage.get_study_id_from_name(study.study_name)
    return storage.get_trial_id_from_study_id_trial_number(study_id, number)


def load(settings: Mapping[str, Any], folder: Path, **parts: Any) -> Any:
    """Return the study that a search has made.

    Args:
        settings: the node `hydra.sweeper`.
        folder: the folder of the sweep.
        parts: its sampler and its pruner.
    """
    storage = open_storage(absolute_storage(settings["storage"]), folder.absolute())
    return optuna().load_study(study_name=settings["study_name"], storage=storage, **parts)


def require_kept(settings: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with the runs of a folder without the study that has their trials.

    Args:
        settings: the node `hydra.sweeper`.
        folder: the folder of the sweep.

    Raises:
        ConfigError: its storage does not have the study.
    """
    storage, name = settings["storage"], settings["study_name"]
    found: list[str] = []
    if not is_missing(storage, folder):
        found = optuna().get_all_study_names(open_storage(storage, folder.absolute()))
    if name not in found:
        others = f", whose studies are {', '.join(found)}" if found else ""
        raise ConfigError(
            f"sweep.resume={folder}: the study {name} of its runs is not in "
            f"hydra.sweeper.storage={storage or folder / JOURNAL}{others}: legal is the storage that has it"
        )


def create(settings: Mapping[str, Any], folder: Path, directions: Sequence[str]) -> None:
    """Create the study of a search, unless there is one.

    Args:
        settings: the node `hydra.sweeper`.
        folder: the folder of the sweep.
        directions: the direction of each objective.

    Raises:
        ConfigError: there is one with other objectives.
    """
    storage = open_storage(settings["storage"], folder.absolute())
    study = optuna().create_study(
        study_name=settings["study_name"], storage=storage, directions=list(directions), load_if_exists=True
    )
    if study.metric_names is None:
        with _without_experimental_warnings():
            study.set_metric_names(list(settings["objectives"]))
    found = [one.name.lower() for one in study.directions]
    if found != list(directions):
        raise ConfigError(
            f"hydra.sweeper.study_name={settings['study_name']} is a study that does {', '.join(found)}, "
            f"and this search does {', '.join(directions)}: give it another study_name or storage"
        )


def _component(node: Mapping[str, Any], kind: str) -> Any:
    """Return the sampler or the pruner of a node."""
    module, path = getattr(optuna(), f"{kind}s"), f"hydra.sweeper.{kind}"
    arguments = {key: value for key, value in node.items() if key != "name"}
    if "_target_" not in arguments:
        name, legal = node.get("name"), _names(module, kind)
        if name not in legal:
            hint = near_miss(str(name), legal, f"{path}.name=")
            raise ConfigError(f"{path}.name={name}{hint}: legal values are {', '.join(legal)}")
        arguments["_target_"] = f"{module.__name__}.{name}"
    try:
        with _without_experimental_warnings():
            return instantiate(arguments, _convert_="all")
    except Exception as error:  # a sampler may need a package of its own
        cause = error.__cause__ or error
        raise ConfigError(f"{path}: {' '.join(str(cause).split())}") from error


@contextlib.contextmanager
def _without_experimental_warnings() -> Generator[None]:
    """Ignore Optuna's warnings that a part of it may change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna().exceptions.ExperimentalWarning)
        yield


def _names(module: Any, kind: str) -> list[str]:
    """Return the names of Optuna's samplers or pruners."""
    ending = kind.capitalize()
    return sorted(name for name in module.__all__ if name.endswith(ending) and not name.startswith("Base"))
