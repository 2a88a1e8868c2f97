"""Objectives of a search: what of a run's summary it optimises, and in which direction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hydra import compose
from omegaconf import DictConfig

from seqlab.near_misses import near_miss
from seqlab.runs.compose import without_hydra
from seqlab.runs.explain import HYDRA_ERRORS
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.types import ConfigError, IncompatibleError

SCORE = "score"
"""The objective that is the deciding metric at the best validation."""

DIRECTIONS = ("minimize", "maximize")
"""The directions of an objective."""


def value_of(summary: Mapping[str, Any], objective: str) -> float:
    """Return the value of an objective in the summary of a run that finished.

    Args:
        summary: the summary.
        objective: `SCORE`, or the keys that lead to a number, such as `seconds` or `best.eval/loss`.

    Raises:
        ConfigError: there is no such number.
    """
    found: Any = summary
    keys = ["best", f"eval/{summary.get('metric')}"] if objective == SCORE else objective.split(".")
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        numbers = [key for key, one in summary.items() if isinstance(one, (int, float))]
        raise ConfigError(
            f"hydra.sweeper.objectives: {objective} is {found!r} in summary.json"
            f"{near_miss(objective, numbers)}: legal are {SCORE} and keys of finite numbers, as "
            f"{', '.join(numbers)}"
        )
    return float(found)


def directions_of(
    objectives: Sequence[str], given: Sequence[str] | None, higher_is_better: bool
) -> list[str]:
    """Return the direction of each objective.

    Args:
        objectives: the objectives.
        given: the directions of the config; None for that of the deciding metric for `SCORE`, and
            "minimize" for the others.
        higher_is_better: the direction of the deciding metric.

    Raises:
        ConfigError: directions that are not legal, or not one for each objective.
    """
    if not objectives:
        raise ConfigError(f"hydra.sweeper.objectives must be at least one, as [{SCORE}], got {objectives}")
    if given is None:
        return [DIRECTIONS[one == SCORE and higher_is_better] for one in objectives]
    if len(given) != len(objectives) or any(one not in DIRECTIONS for one in given):
        raise ConfigError(
            f"hydra.sweeper.directions must be null or {' or '.join(DIRECTIONS)} for each of "
            f"{', '.join(objectives)}, got {list(given)}"
        )
    return list(given)


def first_config(config: DictConfig, candidates: Sequence[Sequence[str]]) -> tuple[dict[str, Any], bool]:
    """Return the config of the first combination that fits, and whether its deciding metric is to be high.

    Args:
        config: the config of the sweep.
        candidates: the overrides of each combination.

    Raises:
        ConfigError: none of them fits.
    """
    reason: Exception | None = None
    for overrides in candidates:
        try:
            composed = compose(config.hydra.job.config_name, list(overrides), return_hydra_config=True)
            resolved = resolve(without_hydra(composed))
            program = make_family(resolved)[0].program
            return resolved, program.task.goal(program.network.framing).higher_is_better
        except (IncompatibleError, *HYDRA_ERRORS) as error:
            reason = reason or error
    raise ConfigError(f"no combination of the search fits: {reason}") from reason
