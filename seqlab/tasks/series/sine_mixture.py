"""Sums of sines of random frequencies and phases, and their forecast."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.tasks.series.forecast import Forecast
from seqlab.tasks.series.generator import Errors, SeriesGenerator

SLOWEST, FASTEST = 2 * math.pi / 100, 2 * math.pi / 10
"""The range of the frequencies, in radians a step: periods of 100 to 10 steps."""

Pair = tuple[jax.Array, jax.Array]


@dataclasses.dataclass(frozen=True)
class SineMixture(SeriesGenerator):
    """Sum of sines of random frequencies and phases.

        w_t = √(2/K) Σ_k sin(ω_k t + φ_k),   ω_k ~ U[2π/100, 2π/10),   φ_k ~ U[0, 2π)

    The state is sin φ_k, cos φ_k and ω_k. The mean is 0 and the variance is 1, so the forecast of the mean
    has the error 1, and that of the latest value has the error 2 (1 − E cos ωH); both are exact.

    >>> state, series = SineMixture(num_sines=1).sample(jax.random.key(0), size=1, num_steps=50)
    >>> sine, cosine, frequency = state[0]
    >>> bool(abs(series[0, 1] - 2**0.5 * (sine * jnp.cos(frequency) + cosine * jnp.sin(frequency))) < 1e-5)
    True

    Attributes:
        num_sines: K, the number of sines.

    Source: none; the range of the frequencies was chosen here.
    """

    origin: ClassVar[str] = "sums of random sines"

    num_sines: int = 3

    def __post_init__(self) -> None:
        require_positive(self, "num_sines")

    @property
    def state_size(self) -> int:
        return 3 * self.num_sines

    def errors(self, horizon: int, num_steps: int, size: int) -> Errors:
        """Return the squared errors of naive forecasts in closed form."""
        span = FASTEST - SLOWEST
        similarity = (math.sin(FASTEST * horizon) - math.sin(SLOWEST * horizon)) / (span * horizon)
        return Errors(1.0, 2 * (1 - similarity))

    def sample(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
        frequency_key, phase_key = jax.random.split(key)
        shape = (size, self.num_sines)
        frequencies = jax.random.uniform(frequency_key, shape, minval=SLOWEST, maxval=FASTEST)
        phases = jax.random.uniform(phase_key, shape, maxval=2 * math.pi)
        turn_sines, turn_cosines = jnp.sin(frequencies), jnp.cos(frequencies)
        begin = jnp.sin(phases), jnp.cos(phases)

        # Rotate step by step, as sin(ω t + φ) of a large argument depends on how a compiler rounds it.
        def turn(now: Pair, _: None) -> tuple[Pair, jax.Array]:
            sines, cosines = now
            turned = (
                sines * turn_cosines + cosines * turn_sines,
                cosines * turn_cosines - sines * turn_sines,
            )
            return turned, math.sqrt(2 / self.num_sines) * sines.sum(axis=1)

        series = jax.lax.scan(turn, begin, length=num_steps)[1].T
        return jnp.concatenate([*begin, frequencies], axis=1), series


def sine_mixture(
    length: int = 100,
    min_length: int = 1,
    curriculum: str = "fixed",
    horizon: int = 1,
    num_sines: int = 3,
    num_evaluation_examples: int = 1024,
) -> Forecast:
    """Return the forecast of `SineMixture`; the other arguments are the fields of `Forecast`."""
    series = SineMixture(num_sines)
    return Forecast(series, length, min_length, curriculum, horizon, num_evaluation_examples)
