"""Optimiser and learning-rate schedule of a config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import optax

from seqlab.registry import make
from seqlab.types import ConfigError

TRACED = ("learning_rate", "weight_decay", "momentum", "b1", "b2", "decay", "eps")
"""The arguments of optax's optimisers that may be traced arrays. Optax's functions carry no marks."""


def make_optimizer(config: Mapping[str, Any]) -> optax.GradientTransformation:
    """Return the optimiser; its learning rate is multiplied by the schedule's factor at each step.

    Args:
        config: the resolved config; the numbers of `TRACED` may be arrays.

    Raises:
        ConfigError: a key or a value of `optimizer` or `schedule` that is not legal.
    """
    settings = config["optimizer"]
    if not isinstance(settings, Mapping):
        raise ConfigError(f"optimizer must be a group of keys with a _target_, got {settings!r}")
    for key, value in settings.items():
        if not key.startswith("_") and not isinstance(value, (int, float, jax.Array, type(None))):
            raise ConfigError(f"optimizer.{key} must be a number, got {value!r}")
    rate = settings.get("learning_rate")
    if not isinstance(rate, jax.Array) and (isinstance(rate, bool) or rate is None or rate <= 0):
        raise ConfigError(f"optimizer.learning_rate must be a positive number, got {rate!r}")
    factor = make(config["schedule"], "schedule")
    return make({**settings, "learning_rate": lambda step: rate * factor(step)}, "optimizer")
