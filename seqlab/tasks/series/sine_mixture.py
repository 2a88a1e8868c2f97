"""Can it tell the waves in a sum apart? Mixtures of sines."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.tasks.series._forecasts import Errors, ForecastTask

SLOWEST, FASTEST = 2 * math.pi / 100, 2 * math.pi / 10
"""The range of the frequencies, in radians a step: periods of 100 to 10 steps."""


@dataclasses.dataclass(frozen=True)
class SineMixture(ForecastTask):
    """Forecast a sum of sines of random frequencies and phases.

        w_t = √(2/K) Σ_k sin(ω_k t + φ_k),   ω_k ~ U[2π/100, 2π/10),   φ_k ~ U[0, 2π)

    The state is sin φ_k, cos φ_k and ω_k. The mean is 0 and the variance 1, so that forecasting the mean
    has the error 1, and the latest value the error 2 (1 − E cos ωH), both exactly.

    >>> import jax
    >>> task = SineMixture(length=50, num_sines=1)
    >>> state, series = task.courses(jax.random.key(0), size=1, num_steps=50)
    >>> sine, cosine, frequency = state[0]
    >>> bool(abs(series[0, 1] - 2**0.5 * (sine * jnp.cos(frequency) + cosine * jnp.sin(frequency))) < 1e-5)
    True

    Attributes:
        num_sines: how many sines are added, K.

    Raises:
        ValueError: `num_sines` is not a positive integer, or as in `ForecastTask`.

    Source: none in particular; the range of the frequencies is this module's.
    """

    source: ClassVar[str] = "sums of random sines"

    num_sines: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_sines")

    @property
    def state_size(self) -> int:
        return 3 * self.num_sines

    @functools.cached_property
    def errors(self) -> Errors:
        """The squared errors of naive forecasts, in closed form."""
        H, span = self.horizon, FASTEST - SLOWEST
        similarity = (math.sin(FASTEST * H) - math.sin(SLOWEST * H)) / (span * H)
        return Errors(1.0, 2 * (1 - similarity))

    def courses(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
        frequency_key, phase_key = jax.random.split(key)
        shape = (size, self.num_sines)
        frequencies = jax.random.uniform(frequency_key, shape, minval=SLOWEST, maxval=FASTEST)
        phases = jax.random.uniform(phase_key, shape, maxval=2 * math.pi)
        turn_sines, turn_cosines = jnp.sin(frequencies), jnp.cos(frequencies)
        begin = jnp.sin(phases), jnp.cos(phases)

        # Turned step by step, as sin(ω t + φ) of a large argument depends on how a compiler rounds it.
        def turn(now: tuple[jax.Array, jax.Array], _: None) -> tuple:
            sines, cosines = now
            turned = (
                sines * turn_cosines + cosines * turn_sines,
                cosines * turn_cosines - sines * turn_sines,
            )
            return turned, math.sqrt(2 / self.num_sines) * sines.sum(axis=1)

        series = jax.lax.scan(turn, begin, length=num_steps)[1].T
        return jnp.concatenate([*begin, frequencies], axis=1), series
