"""Can it forecast chaos that a delay makes? The Mackey–Glass equation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_count, require_positive
from seqlab.tasks.series._forecasts import ForecastTask, settled

PRODUCTION, DECAY, EXPONENT = 0.2, 0.1, 10
STEPS_PER_UNIT = 10
"""Steps of the integrator in a unit of time, which is a step of the series."""


@dataclasses.dataclass(frozen=True)
class MackeyGlass(ForecastTask):
    """Forecast the Mackey–Glass series, a blood count that its own past regulates.

        x′(t) = .2 x(t − τ) / (1 + x(t − τ)¹⁰) − .1 x(t),   w_t = x(t) − 1

    integrated by the trapezoidal rule at a step of .1, and read at whole t; 1 is the fixed point. Before the
    start x has one value on [−τ, 0], drawn evenly from [.5, 1.5), and at least half of `burn_in` readings, at
    most all, are left out before the first shown. The state is the past that determines the future: w at the
    whole times from τ before to now.

    >>> at_rest = jnp.ones((1, 1 + 17 * STEPS_PER_UNIT))
    >>> bool(jnp.abs(advance(at_rest, 1 / STEPS_PER_UNIT) - 1).max() < 1e-5)
    True

    With τ = 17 it is mildly chaotic. Forecasting the mean leaves the variance, which is measured, as is the
    error of the latest value.

    Attributes:
        tau: the delay, τ, in steps of the series.
        burn_in: the most readings that are left out for the series to reach the attractor.

    Raises:
        ValueError: `tau` is not a positive integer, `burn_in` not a non-negative one, or as in
            `ForecastTask`.

    Source: M. Mackey & L. Glass, "Oscillation and Chaos in Physiological Control Systems", Science 197, 1977.
        Horizons in use are 6 (J.-S. Jang, "ANFIS", IEEE Transactions on Systems, Man, and Cybernetics 23(3),
        1993) and 84 (H. Jaeger & H. Haas, "Harnessing Nonlinearity", Science 304, 2004).
    """

    source: ClassVar[str] = "Mackey & Glass 1977"

    horizon: int = 6
    tau: int = 17
    burn_in: int = 300

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "tau")
        require_count(self, "burn_in")

    @property
    def state_size(self) -> int:
        return self.tau + 1

    def courses(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
        level_key, cut_key = jax.random.split(key)
        levels = jax.random.uniform(level_key, (size, 1), minval=0.5, maxval=1.5)
        past = jnp.broadcast_to(levels, (size, 1 + self.tau * STEPS_PER_UNIT))

        def delay(past: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            now = advance(past, 1 / STEPS_PER_UNIT)
            return now, now[:, STEPS_PER_UNIT::STEPS_PER_UNIT]

        shown = self.tau + num_steps
        num_delays = -(-(self.burn_in + shown) // self.tau)
        pieces = jax.lax.scan(delay, past, length=num_delays)[1]
        series = jnp.moveaxis(pieces, 0, 1).reshape(size, -1, 1)[:, -self.burn_in - shown :]
        series = settled(cut_key, series, shown)[..., 0] - 1
        return series[:, : self.state_size], series[:, self.tau :]


def advance(past: jax.Array, step: float) -> jax.Array:
    """Go on by one delay τ, all at once: what the past produces is known, and the rest is linear.

        x_{k+1} = x_k + h/2 (f_k + f_{k+1}),   f_k = p_k − .1 x_k,   p_k = .2 x_{k−D} / (1 + x_{k−D}¹⁰)

    is x_{k+1} = a x_k + b_k, whose solution is x_k = aᵏ (x_0 + Σ_{j<k} b_j a^{−(j+1)}).

    Args:
        past: float32 `(B, D + 1)`, x from t − τ to t, both included, h = τ/D apart.
        step: h.

    Returns:
        x from t to t + τ, float32 `(B, D + 1)`.
    """
    produced = PRODUCTION * past / (1 + past**EXPONENT)
    half = step * DECAY / 2
    powers = ((1 - half) / (1 + half)) ** jnp.arange(1, past.shape[1])
    added = step / 2 * (produced[:, :-1] + produced[:, 1:]) / (1 + half)
    now = past[:, -1:]
    return jnp.concatenate([now, powers * (now + jnp.cumsum(added / powers, axis=1))], axis=1)
