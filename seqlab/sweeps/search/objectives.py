"""Objectives of a search: what of a run's summary it optimises, and in which direction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from hydra import compose
from omegaconf import DictConfig

from seqlab.near_misses import closest, did_you_mean, near_miss
from seqlab.runs.compose import without_hydra
from seqlab.runs.explain import HYDRA_ERRORS
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.runs.sizes import sizes_of
from seqlab.training import Program
from seqlab.training.evaluation import evaluate_batch
from seqlab.types import ConfigError, IncompatibleError

SCORE = "score"
"""The objective that is the deciding metric at the best validation."""

DIRECTIONS = ("minimize", "maximize")
"""The directions of an objective."""

COSTS = (
    *("seconds", "program_seconds", "program_cpu_seconds", "compile_seconds", "steps_per_second", "steps"),
)
"""The keys of a summary for what a run took."""


def value_of(summary: Mapping[str, Any], objective: str) -> float | None:
    """Return the value of an objective in the summary of a run that finished; None without a finite one.

    Args:
        summary: the summary.
        objective: `SCORE`, or the keys that lead to a number, such as `seconds` or `best.eval/loss`.
    """
    found: Any = summary
    keys = ["best", f"eval/{summary.get('metric')}"] if objective == SCORE else objective.split(".")
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        return None
    return float(found)


def evaluated_key(objective: str, goal_key: str) -> str | None:
    """Return the key of an objective in the rows of evaluations; None for one that only the end of a run has.

    Args:
        objective: the objective.
        goal_key: the key of the deciding metric, such as `eval/accuracy`.
    """
    part, _, key = objective.partition(".")
    is_evaluated = part in ("best", "final") and key.startswith("eval/")
    return goal_key if objective == SCORE else key if is_evaluated else None


def names_of(program: Program) -> list[str]:
    """Return the objectives that the summary of a finished run of a program has; nothing is computed."""
    task, framing = program.task, program.network.framing
    size = program.training.evaluation_batch_size
    batch = jax.eval_shape(
        lambda data: task.evaluation_batch(jnp.int32(0), size, "validation", framing, data), task.data
    )
    measures = program.measures.of_evaluation
    measured = jax.eval_shape(
        lambda params, batch: evaluate_batch(task, program.network, params, batch, measures=measures),
        *(program.shapes.params, batch),
    )
    tested = list(dict.fromkeys([*measured, *task.scored]))
    evaluated = tested if task.goal(framing).metric in task.scored else list(measured)
    average = program.training.average_at(program.training.steps)
    prefixes = ["eval/", *([f"eval/{average}/"] if average else [])]
    rows = [f"{prefix}{name}" for prefix in prefixes for name in evaluated]
    return [
        *(SCORE, *COSTS, *sizes_of(program)),
        *(f"{part}.{key}" for part in ("best", "final") for key in ("step", *rows)),
        *(f"test.test/{name}" for name in tested),
    ]


def require_objectives(objectives: Sequence[str], fits: Iterable[tuple[Mapping[str, Any], Program]]) -> None:
    """Refuse an objective that no run of a search has.

    Args:
        objectives: the objectives.
        fits: configs of the search and their programs, of which as many are looked at as are needed.

    Raises:
        ConfigError: one that is not legal, or two that are equal.
    """
    if len(set(objectives)) < len(objectives):
        raise ConfigError(f"hydra.sweeper.objectives has one twice: {', '.join(map(str, objectives))}")
    legal: dict[str, None] = {}
    unknown = list(objectives)
    for config, program in fits:
        legal |= dict.fromkeys(names_of(program))
        added = ("best.eval/", "final.eval/") if config["callbacks"] else ()  # callbacks add to evaluations
        unknown = [one for one in objectives if one not in legal and not str(one).startswith(added)]
        if not unknown:
            return
    hint = _nearest(str(unknown[0]), list(legal))
    raise ConfigError(
        f"hydra.sweeper.objectives: no run has {unknown[0]}{hint}: legal are {', '.join(legal)}"
    )


def _nearest(given: str, legal: Sequence[str]) -> str:
    """Return the hint to the objective that was meant, also by the name of its metric alone."""
    if hint := near_miss(given, legal):
        return hint
    metrics = {one.rpartition("/")[2]: one for one in reversed(legal)}
    found = closest(given.rpartition("/")[2].rpartition(".")[2], list(metrics))
    return did_you_mean(metrics[found]) if found else ""


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


def fitting(
    config: DictConfig, candidates: Iterable[Sequence[str]]
) -> Iterator[tuple[dict[str, Any], Program]]:
    """Yield the config and the program of combinations that fit, one for each choice of the config groups.

    Args:
        config: the config of the sweep.
        candidates: the overrides of each combination.

    Raises:
        ConfigError: none of them fits.
    """
    reason: Exception | None = None
    found: set[tuple[str, ...]] = set()
    for overrides in candidates:
        chosen = tuple(one for one in overrides if "." not in one.partition("=")[0])
        if chosen in found:
            continue
        try:
            composed = compose(config.hydra.job.config_name, list(overrides), return_hydra_config=True)
            resolved = resolve(without_hydra(composed))
            program = make_family(resolved)[0].program
        except (IncompatibleError, *HYDRA_ERRORS) as error:
            reason = reason or error
            continue
        found.add(chosen)
        yield resolved, program
    if not found:
        raise ConfigError(f"no combination of the search fits: {reason}") from reason
