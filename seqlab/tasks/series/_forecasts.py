"""What comes next? Generated series of one number a step, framed as forecasts."""

from __future__ import annotations

import abc
import dataclasses
import functools
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.tasks._ragged import RaggedTask
from seqlab.tasks.task import EVALUATION_SEED
from seqlab.types import Batch, Goal, Reference, Spec, Vectors


class Errors(NamedTuple):
    """The squared errors of two naive forecasts: the series' mean, always, and its latest value."""

    mean: float
    persistence: float


@dataclasses.dataclass(frozen=True)
class ForecastTask(RaggedTask):
    """Forecast a generated series w, which a hidden state determines.

    Framings, with H the `horizon`: many_to_one reads w_0 … w_{T−1}, float32 `(B, T, 1)`, and writes
    w_{T−1+H}, `(B, 1)`; many_to_many writes w_{t+H} at every step t, `(B, T, 1)`; one_to_many reads the state
    at w_0, `(B, S)`, which determines all that follows, and writes w_H … w_{H+T−1}, `(B, T, 1)`. A length
    is T; steps past it hold 0.

    The splits are separate random streams.

    Attributes:
        horizon: how many steps ahead a forecast looks, H.

    Raises:
        ValueError: `horizon` is not a positive integer, or as in `RaggedTask`.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_many")

    length: int = 100
    min_length: int = 1
    curriculum: str = "fixed"
    horizon: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "horizon")

    @property
    @abc.abstractmethod
    def state_size(self) -> int:
        """The numbers that the state is told in, S."""

    @abc.abstractmethod
    def courses(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
        """Draw stretches of the series.

        Returns:
            The state at the first step, float32 `(B, S)`, and the series, float32 `(B, num_steps)`.
        """

    @property
    def autoregressive(self) -> bool:
        """Whether what many_to_many writes is what it reads next."""
        return self.horizon == 1

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.state_size if framing == "one_to_many" else 1)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def goal(self, framing: str) -> Goal:
        """Return the squared error; in one_to_many that of a network which reads its own forecasts."""
        metric = "free_running/mse" if framing == "one_to_many" else "mse"
        return Goal(metric, higher_is_better=False)

    def reference(self, framing: str) -> Reference:
        """Return the variance, the error of forecasting the mean; the threshold is a tenth of it."""
        variance = self.errors.mean
        return Reference(variance, "the mean of the series", 0.1 * variance)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse", "mae")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the squared error of forecasting the latest value, where that is read."""
        return {} if framing == "one_to_many" else {"persistence": self.errors.persistence}

    @functools.cached_property
    def errors(self) -> Errors:
        """The squared errors of naive forecasts, over `num_evaluation_examples` examples of their own."""
        draw = jax.jit(lambda key: self.courses(key, self.num_evaluation_examples, self._num_steps)[1])
        series = np.asarray(draw(jax.random.key(EVALUATION_SEED)), np.float64)
        changes = series[:, self.horizon :] - series[:, : -self.horizon]
        return Errors(float(series.var()), float(np.mean(changes**2)))

    @property
    def _num_steps(self) -> int:
        return self.length + self.horizon

    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        state, series = self.courses(key, len(lengths), self._num_steps)
        real = jnp.arange(self.length) < lengths[:, None]
        past, following = (
            jnp.where(real, part, 0.0)[..., None]
            for part in (series[:, : self.length], series[:, self.horizon :])
        )
        if framing == "one_to_many":
            return Batch(state, following, real)
        if framing == "many_to_many":
            return Batch(past, following, real, lengths)
        last = jnp.take_along_axis(following[..., 0], lengths[:, None] - 1, axis=1)
        return Batch(past, last, jnp.ones(len(lengths), bool), lengths)


def settled(key: jax.Array, series: jax.Array, num_steps: int) -> jax.Array:
    """Cut a stretch out of each series, after what it needs to reach its attractor.

    Trajectories that set out alike go round alike for long. So a stretch begins anywhere in the latter half
    of the steps to spare.

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
