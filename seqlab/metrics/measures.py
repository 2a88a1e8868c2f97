"""Loss and metrics that a config names, in place of a task's own loss and beside its metrics."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from seqlab.metrics.mean import Mean, masked_mean
from seqlab.near_misses import near_miss
from seqlab.registry import require_keys
from seqlab.types import Batch, ConfigError

Measure = Callable[..., Any]
"""`measure(predictions, targets) -> values`, or `measure(predictions, targets, mask) -> values`.

`values` has an entry for each position of the mask, and perhaps further axes, whose mean is taken; the mean
over the positions where the mask is True is reported. A `Mean` is reported as it is.
"""


@dataclasses.dataclass(frozen=True)
class Measures:
    """The loss and the metrics of a run that are not its task's.

    Attributes:
        loss: what is minimised; None for the task's own loss.
        metrics: what is reported besides the task's metrics, with its name.
    """

    loss: Measure | None = None
    metrics: tuple[tuple[str, Measure], ...] = ()

    @property
    def of_evaluation(self) -> Measures:
        """What evaluations report: the task's own loss, where this one is for training alone."""
        return dataclasses.replace(self, loss=None) if training_outputs(self.loss) else self

    def means(self, predictions: jax.Array, batch: Batch) -> dict[str, Mean]:
        """Return the loss, where there is one, and the metrics, over the rows of this device."""
        named = self.metrics if self.loss is None else (("loss", self.loss), *self.metrics)
        return {name: measured(function, predictions, batch) for name, function in named}


def measured(function: Measure, predictions: jax.Array, batch: Batch) -> Mean:
    """Return the mean of a measure over the positions where the mask is True.

    Args:
        function: the measure.
        predictions: `(B, O)` or `(B, T, O)`.
        batch: the targets and the mask.

    Raises:
        ValueError: the measure returns no value for each position.
    """
    masked = {"mask": batch.mask} if takes_mask(function) else {}
    values = function(predictions, batch.targets, **masked)
    if isinstance(values, Mean):
        return values
    shape, positions = jnp.shape(values), batch.mask.shape
    if shape[: len(positions)] != positions:
        raise ValueError(f"it must return a value for each position {positions}, got the shape {shape}")
    values = jnp.asarray(values, predictions.dtype)
    return masked_mean(jnp.mean(values, tuple(range(len(positions), len(shape)))), batch.mask)


def in_training_only(*outputs: type) -> Callable[[Measure], Measure]:
    """Mark a loss as one for training alone: evaluations report the task's own loss.

    Args:
        outputs: the output specs that it is for.
    """

    def marked(loss: Measure) -> Measure:
        loss.training_outputs = outputs  # type: ignore[attr-defined]
        return loss

    return marked


def training_outputs(loss: Measure | None) -> tuple[type, ...]:
    """Return the output specs that a loss for training alone is for; empty for any other loss."""
    return getattr(getattr(loss, "func", loss), "training_outputs", ())


def takes_mask(function: Measure) -> bool:
    """Return whether a measure has a parameter `mask`."""
    return "mask" in inspect.signature(function).parameters


def optax_loss(predictions: jax.Array, targets: jax.Array, name: str = "", **arguments: Any) -> jax.Array:
    """Return the values of one of optax's losses.

    Args:
        predictions: `(B, O)` or `(B, T, O)`.
        targets: as the loss takes them.
        name: of a function of `optax.losses`, such as `huber_loss`.
        arguments: its further arguments.

    Raises:
        ConfigError: an unknown name or argument.
    """
    legal = losses()
    if name not in legal:
        hint = near_miss(str(name), legal)
        raise ConfigError(f"name={name}{hint}: legal values are {', '.join(legal)}")
    require_keys(arguments, list(inspect.signature(legal[name]).parameters))
    return legal[name](predictions, targets, **arguments)


@functools.cache
def losses() -> dict[str, Measure]:
    """Return the losses of optax by name."""
    functions = {name: value for name, value in vars(optax.losses).items() if inspect.isfunction(value)}
    return {name: value for name, value in sorted(functions.items()) if not name.startswith("make_")}
