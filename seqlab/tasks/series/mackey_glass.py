"""The Mackey–Glass series, which is chaotic by its delay, and its forecast."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_count, require_positive
from seqlab.tasks.series.forecast import Forecast
from seqlab.tasks.series.generator import SeriesGenerator, settled

PRODUCTION, DECAY, EXPONENT = 0.2, 0.1, 10
STEPS_PER_UNIT = 10
"""Steps of the integrator in a unit of time. A unit of time is a step of the series."""


@dataclasses.dataclass(frozen=True)
class MackeyGlass(SeriesGenerator):
    """Mackey–Glass series, a model of a blood count that is regulated with a delay.

        x′(t) = .2 x(t − τ) / (1 + x(t − τ)¹⁰) − .1 x(t),   w_t = x(t) − 1

    It is integrated by the trapezoidal rule with a step of .1 and read at whole t; 1 is the fixed point. On
    [−τ, 0] x is constant, uniform in [.5, 1.5). Between `burn_in` / 2 and `burn_in` readings are dropped
    before the first one that is returned. The state is the past that determines the future: w at the whole
    times from τ before to now.

    >>> at_rest = jnp.ones((1, 1 + 17 * STEPS_PER_UNIT))
    >>> bool(jnp.abs(advance(at_rest, 1 / STEPS_PER_UNIT) - 1).max() < 1e-5)
    True

    With τ = 17 it is mildly chaotic. The errors of naive forecasts are measured.

    Attributes:
        tau: τ, the delay in steps of the series.
        burn_in: the largest number of readings that are dropped until the series is at its attractor.

    Source: M. Mackey & L. Glass, "Oscillation and Chaos in Physiological Control Systems", Science 197, 1977.
        Usual horizons are 6 (J.-S. Jang, "ANFIS", IEEE Transactions on Systems, Man, and Cybernetics 23(3),
        1993) and 84 (H. Jaeger & H. Haas, "Harnessing Nonlinearity", Science 304, 2004).
    """

    origin: ClassVar[str] = "Mackey & Glass 1977"

    tau: int = 17
    burn_in: int = 300

    def __post_init__(self) -> None:
        require_positive(self, "tau")
        require_count(self, "burn_in")

    @property
    def state_size(self) -> int:
        return self.tau + 1

    def sample(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
        level_key, cut_key = jax.random.split(key)
        levels = jax.random.uniform(level_key, (size, 1), minval=0.5, maxval=1.5)
        past = jnp.broadcast_to(levels, (size, 1 + self.tau * STEPS_PER_UNIT))

        def delay(past: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            now = advance(past, 1 / STEPS_PER_UNIT)
            return now, now[:, STEPS_PER_UNIT::STEPS_PER_UNIT]

        shown = self.tau + num_steps
        num_delays = -(-(self.burn_in + shown) // self.tau)
        pieces = jax.lax.scan(delay, past, length=num_delays)[1]
        series = jnp.moveaxis(pieces, 0, 1).reshape(size, -1, 1)[:, : self.burn_in + shown]
        series = settled(cut_key, series, shown)[..., 0] - 1
        return series[:, : self.state_size], series[:, self.tau :]


def advance(past: jax.Array, step: float) -> jax.Array:
    """Integrate over one delay τ at once: the production by the past is known, and the rest is linear.

        x_{k+1} = x_k + h/2 (f_k + f_{k+1}),   f_k = p_k − .1 x_k,   p_k = .2 x_{k−D} / (1 + x_{k−D}¹⁰)

    has the form x_{k+1} = a x_k + b_k, whose solution is x_k = aᵏ (x_0 + Σ_{j<k} b_j a^{−(j+1)}).

    Args:
        past: float32 `(B, D + 1)`, x from t − τ to t, both included, at intervals of h = τ/D.
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


def mackey_glass(
    length: int = 100,
    min_length: int = 1,
    curriculum: str = "fixed",
    horizon: int = 6,
    tau: int = 17,
    burn_in: int = 300,
    num_evaluation_examples: int = 1024,
) -> Forecast:
    """Return the forecast of `MackeyGlass`; the other arguments are the fields of `Forecast`."""
    series = MackeyGlass(tau, burn_in)
    return Forecast(series, length, min_length, curriculum, horizon, num_evaluation_examples)
