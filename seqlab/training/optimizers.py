"""Optimisers and schedules that a config names: optax's by their names, chains of transformations, joins."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import jax
import optax
import optax.contrib

from seqlab.near_misses import near_miss
from seqlab.recurrence.norms import global_norm
from seqlab.registry import require_keys
from seqlab.training.transformations import matches, require_matches
from seqlab.types import ConfigError

MATRICES = "matrices"
"""The mask of the parameters with two axes or more, which leaves biases and the gains of norms alone."""

Make = Callable[..., optax.GradientTransformation]
"""Returns an optimiser from its arguments."""


@dataclasses.dataclass(frozen=True)
class LearningRate:
    """The learning rate of each step, rate · factor(step), as optax calls a schedule.

    Attributes:
        rate: a number or a scalar array.
        factor: the schedule.
    """

    rate: float | jax.Array
    factor: optax.Schedule

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step."""
        return self.rate * self.factor(step)


def scheduled(
    make: Make, learning_rate: LearningRate, legal: Mapping[str, inspect.Parameter]
) -> optax.GradientTransformation:
    """Return an optimiser whose updates follow a learning rate.

    Where the optimiser takes a schedule, or does not say what it takes, it gets one. Where it takes a number
    or no learning rate at all, its updates are multiplied by the schedule's factor.

    Args:
        make: the optimiser as a function of `learning_rate`.
        learning_rate: the rate and the factor.
        legal: the parameters of the optimiser.
    """
    scale = optax.scale_by_schedule(learning_rate.factor)
    if "learning_rate" not in legal:
        return optax.chain(make(), scale)
    annotation = legal["learning_rate"].annotation
    kinds = ("Callable", "Schedule", LearningRate.__name__)
    if annotation is inspect.Parameter.empty or any(kind in str(annotation) for kind in kinds):
        return make(learning_rate=learning_rate)
    return optax.chain(make(learning_rate=learning_rate.rate), scale)


def optimizer(name: str, learning_rate: LearningRate, **arguments: Any) -> optax.GradientTransformation:
    """Return one of optax's optimisers, those of `optax.contrib` included.

    Args:
        name: such as `lion` or `muon`.
        learning_rate: the rate and its schedule.
        arguments: further arguments of the optimiser.

    Raises:
        ConfigError: an unknown name or argument, or one that is missing.
    """
    found = _named("optimizer", name, optimizers())
    _require_arguments("optimizer", name, found, {**arguments, "learning_rate": learning_rate})
    return scheduled(
        functools.partial(found, **arguments), learning_rate, inspect.signature(found).parameters
    )


def chain(transforms: Sequence[Make], learning_rate: LearningRate) -> optax.GradientTransformation:
    """Return transformations of the gradient one after another, and the learning rate after the last.

    Args:
        transforms: functions without arguments, as a config's nodes with a `_target_` become.
        learning_rate: the rate and its schedule; the updates are multiplied by its negative.
    """
    made = [transform() for transform in _called("optimizer.transforms", transforms)]
    return optax.chain(*made, optax.scale_by_learning_rate(learning_rate))


def sam(optimizer: Make, learning_rate: LearningRate, rho: float = 0.05) -> optax.GradientTransformation:
    """Return sharpness-aware minimisation around an optimiser.

    Its gradient is that of the same batch at θ + ρ g / ‖g‖, g being the gradient at θ. Both are clipped.

    Args:
        optimizer: a function of `learning_rate`, as a config's node with a `_target_` becomes.
        learning_rate: the rate and its schedule.
        rho: ρ, how far along the gradient the second one is taken.

    Source: P. Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021.
    """
    [make] = _called("optimizer.optimizer", [optimizer])
    if isinstance(rho, bool) or not rho > 0:
        raise ValueError(f"rho must be a positive number, got {rho!r}")
    inner = scheduled(make, learning_rate, inspect.signature(make).parameters)

    def descent(grads: Any, params: Any = None) -> Any:
        scale, relative = global_norm(grads)
        relative = jax.numpy.where(relative == 0, 1, relative)
        return jax.tree.map(lambda leaf: -rho * (leaf * (1 / scale) / relative), grads)

    made = optax.contrib.sam(inner, optax.stateless(descent), opaque_mode=True)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        return made.update(updates, state, params, grad_fn=extra["grad_fn"])

    return optax.GradientTransformationExtraArgs(made.init, update)


def decayed(parameters: Any) -> Callable[[Any], Any]:
    """Return a mask of parameters, as the `mask` of optax's weight decay: a function of a tree of them.

    Args:
        parameters: `MATRICES`, or glob patterns of the paths of those that decay.

    Raises:
        ConfigError: neither of them; or, when it is called, a pattern that fits no parameter.
    """
    key = "optimizer.mask"
    patterns: list[Any] = list(parameters) if isinstance(parameters, list | tuple) else []
    if parameters == MATRICES:
        return lambda params: jax.tree.map(lambda leaf: jax.numpy.ndim(leaf) >= 2, params)
    if not patterns or any(type(one) is not str for one in patterns):
        hint = near_miss(str(parameters), [MATRICES])
        raise ConfigError(
            f"{key} must be null, {MATRICES} or a list of glob patterns, got {parameters!r}{hint}"
        )

    def mask(params: Any) -> Any:
        require_matches(key, patterns, params)
        return jax.tree_util.tree_map_with_path(
            lambda path, _: any(matches(path, pattern) for pattern in patterns), params
        )

    return mask


def schedule(name: str, **arguments: Any) -> optax.Schedule:
    """Return one of optax's schedules.

    Raises:
        ConfigError: an unknown name or argument, or one that is missing.
    """
    found = _named("schedule", name, schedules())
    _require_arguments("schedule", name, found, arguments)
    return cast("optax.Schedule", found(**arguments))


def join(schedules: Sequence[Callable[[], optax.Schedule]], boundaries: Sequence[int]) -> optax.Schedule:
    """Return schedules that follow one another, each counting its steps from 0.

    Args:
        schedules: functions without arguments, as a config's nodes with a `_target_` become.
        boundaries: the step at which each but the first begins.
    """
    parts = _called("schedule.schedules", schedules)
    if len(parts) != len(boundaries) + 1:
        raise ValueError(
            f"boundaries must be {len(parts) - 1} steps for {len(parts)} schedules, got {boundaries}"
        )
    return optax.join_schedules([part() for part in parts], list(boundaries))


@functools.cache
def optimizers() -> dict[str, Make]:
    """Return the optimisers of `optax` and `optax.contrib` by name: what takes a learning rate."""
    found: dict[str, Make] = {}
    for module in (optax.contrib, optax):
        for name, value in vars(module).items():
            is_one = inspect.isfunction(value) or isinstance(value, functools.partial)  # such as `nadam`
            if is_one and not name.startswith(("_", "scale_by_")):
                found |= {name: value} if "learning_rate" in inspect.signature(value).parameters else {}
    return dict(sorted(found.items()))


@functools.cache
def schedules() -> dict[str, Callable[..., Any]]:
    """Return the schedules of optax by name."""
    functions = {name: value for name, value in vars(optax.schedules).items() if inspect.isfunction(value)}
    unsuitable = ("inject_", "join_schedules")
    return {name: value for name, value in sorted(functions.items()) if not name.startswith(unsuitable)}


def _named(group: str, name: str, legal: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    if name not in legal:
        hint = near_miss(str(name), legal, f"{group}.name=")
        raise ConfigError(f"{group}.name={name}{hint}: legal values are {', '.join(legal)}")
    return legal[name]


def _require_arguments(group: str, name: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise ConfigError where an argument is unknown or missing."""
    parameters = inspect.signature(function).parameters
    require_keys(given, list(parameters), group)
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in given:
            raise ConfigError(f"{group}.{key} is missing: {group}.name={name} needs it")


def _called(path: str, parts: Sequence[Any]) -> Sequence[Callable[[], Any]]:
    if not parts or not all(map(callable, parts)):
        raise ConfigError(f"{path} must be a list of groups of keys with a _target_, got {list(parts)!r}")
    return parts
