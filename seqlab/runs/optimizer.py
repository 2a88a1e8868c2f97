"""Optimiser and learning-rate schedule of a config."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from seqlab.registry import locate, make
from seqlab.training.optimizers import LearningRate, decayed, optimizer, scheduled
from seqlab.training.plateau import Plateau
from seqlab.types import ConfigError

TRACED = ("learning_rate", "weight_decay", "momentum", "b1", "b2", "decay", "eps")
"""The arguments of optax's optimisers that may be traced arrays. Optax's functions carry no marks."""

MASKS = ("mask", "weight_decay_mask")
"""The arguments of optax's functions that say which parameters decay."""

_USABLE: set[tuple[str, str]] = set()
"""The nodes `optimizer` and `schedule`, as texts, that have been found usable."""


def traced_keys(settings: Any) -> tuple[str, ...]:
    """Return the keys of an optimiser that are traced: where it is not optax's, its learning rate alone."""
    target = locate(settings.get("_target_"), "optimizer")
    is_optax = target is optimizer or str(target.__module__).partition(".")[0] == "optax"
    return TRACED if is_optax else ("learning_rate",)


def make_optimizer(config: Mapping[str, Any]) -> optax.GradientTransformation:
    """Return the optimiser; its learning rate is multiplied by the schedule's factor at each step.

    Args:
        config: the resolved config; the numbers of `TRACED` may be arrays.

    Raises:
        ConfigError: a key or a value of `optimizer` or `schedule` that is not legal.
    """
    settings, schedule = config["optimizer"], config["schedule"]
    if not isinstance(settings, Mapping):
        raise ConfigError(f"optimizer must be a group of keys with a _target_, got {settings!r}")
    for key in TRACED:
        value = settings.get(key)
        is_null = value is None and (key not in settings or _may_be_null(settings, key))
        if not is_null and not isinstance(value, (int, float, jax.Array)):
            raise ConfigError(f"optimizer.{key} must be a number, got {value!r}")
    target = locate(settings.get("_target_"), "optimizer")
    legal = inspect.signature(target).parameters
    rate = settings.get("learning_rate")
    needs_rate = "learning_rate" in legal or rate is not None
    is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool) and rate >= 0
    if needs_rate and not isinstance(rate, jax.Array) and not is_number:
        raise ConfigError(f"optimizer.learning_rate must be a number of at least 0, got {rate!r}")
    factor: Any = make(schedule, "schedule")
    if isinstance(factor, Plateau):  # it follows the evaluations, not the steps: `make_plateau`
        factor = optax.constant_schedule(1.0)
    learning_rate = LearningRate(1.0 if rate is None else rate, factor)
    if not any(isinstance(value, jax.Array) for value in settings.values()):
        _require_usable(settings, learning_rate, legal, json.dumps(schedule, sort_keys=True))
    return _made(settings, learning_rate, legal)


def make_plateau(config: Mapping[str, Any]) -> Plateau | None:
    """Return the schedule where it follows the evaluations; None for any other."""
    made: Any = make(config["schedule"], "schedule")
    return made if isinstance(made, Plateau) else None


def _made(
    settings: Mapping[str, Any], rate: LearningRate, legal: Mapping[str, inspect.Parameter]
) -> optax.GradientTransformation:
    masked = _with_masks(settings, decayed)
    return scheduled(lambda **given: make({**masked, **given}, "optimizer"), rate, legal)


def _with_masks(node: Any, mask: Callable[[Any], Any]) -> Any:
    """Return a node in which the parameters that decay are given as optax takes them."""
    if isinstance(node, list):
        return [_with_masks(item, mask) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: mask(value) if key in MASKS and value is not None else _with_masks(value, mask)
        for key, value in node.items()
    }


def _require_usable(
    settings: Mapping[str, Any],
    rate: LearningRate,
    legal: Mapping[str, inspect.Parameter],
    schedule: str,
) -> None:
    """Raise ConfigError where an optimiser fails on small parameters; nothing is computed.

    Args:
        settings: the node `optimizer`.
        rate: the learning rate and its schedule.
        legal: the parameters of the optimiser.
        schedule: the node `schedule` as a text.
    """
    texts = {name: value for name, value in settings.items() if name not in TRACED}
    key = json.dumps(texts, sort_keys=True), schedule
    if key in _USABLE:
        return

    anywhere = _with_masks(settings, lambda _: None)  # the patterns are for the parameters of a network

    def update(params: Any) -> Any:
        made = optax.with_extra_args_support(_made(anywhere, rate, legal))
        more = {"value": value_fn(params), "grad": params, "value_fn": value_fn, "obj_fn": value_fn}
        return made.update(params, made.init(params), params, grad_fn=lambda params, *_: params, **more)[0]

    def value_fn(params: Any, obj_fn: Any = 0, grad_fn: Any = 0) -> jax.Array:
        return optax.tree.norm(params, squared=True)

    params = {"kernel": jnp.zeros((3, 2)), "bias": jnp.zeros(2)}
    try:
        updates = jax.eval_shape(update, params)
    except Exception as error:  # a library's own error, or one of a plug-in
        if isinstance(error, ConfigError) and error.__cause__ is None:
            raise
        given = " ".join(f"optimizer.{name}={value}" for name, value in settings.items())
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ConfigError(f"{given} with schedule={schedule} makes no update: {reason}") from error
    if jax.tree.structure(updates) != jax.tree.structure(params):
        raise ConfigError(
            f"optimizer._target_={settings['_target_']} does not return updates of the parameters"
        )
    _USABLE.add(key)


def _may_be_null(settings: Mapping[str, Any], key: str) -> bool:
    """Return whether an argument of the optimiser is null by default."""
    parameters = inspect.signature(locate(settings.get("_target_"), "optimizer")).parameters
    return key not in parameters or parameters[key].default is None
