"""Generators of series: one number a step, determined by a hidden state."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.tasks._evaluation_pass import EVALUATION_SEED
from seqlab.tasks._naming import snake_case


class Errors(NamedTuple):
    """Squared errors of two naive forecasts: the mean of the series, and its latest value."""

    mean: float
    persistence: float


@dataclasses.dataclass(frozen=True)
class SeriesGenerator(abc.ABC):
    """A random series w that a hidden state determines; a frozen dataclass, hashable by value.

    Class attributes:
        origin: where the equation comes from.
    """

    origin: ClassVar[str]

    @property
    def name(self) -> str:
        """The name of the class in snake case."""
        return snake_case(type(self).__name__)

    @property
    @abc.abstractmethod
    def state_size(self) -> int:
        """The number of values of the hidden state, S."""

    @abc.abstractmethod
    def sample(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
        """Draw series.

        Args:
            key: PRNG key.
            size: the number of series, B.
            num_steps: T.

        Returns:
            The state at the first step, float32 `(B, S)`, and the series, float32 `(B, T)`.
        """

    def errors(self, horizon: int, num_steps: int, size: int) -> Errors:
        """Return the squared errors of naive forecasts, by default measured on `size` series of `num_steps`.

        Args:
            horizon: the number of steps from the latest value to the one that is forecast.
            num_steps: of each series.
            size: the number of series.
        """
        draw = jax.jit(lambda key: self.sample(key, size, num_steps)[1])
        series = np.asarray(draw(jax.random.key(EVALUATION_SEED)), np.float64)
        changes = series[:, horizon:] - series[:, :-horizon]
        return Errors(float(series.var()), float(np.mean(changes**2)))


def settled(key: jax.Array, series: jax.Array, num_steps: int) -> jax.Array:
    """Cut a stretch out of each series, after the steps that it needs to reach its attractor.

    Trajectories with similar starts stay similar for long, so a stretch begins anywhere in the latter half of
    the surplus steps.

    Args:
        key: PRNG key.
        series: `(B, N, F)`.
        num_steps: T, at most N.

    Returns:
        `(B, T, F)`.
    """
    size, spare = len(series), series.shape[1] - num_steps
    begins = jax.random.randint(key, (size, 1), spare // 2, spare + 1)
    return jnp.take_along_axis(series, (begins + jnp.arange(num_steps))[..., None], axis=1)
