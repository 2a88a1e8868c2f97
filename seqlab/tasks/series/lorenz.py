"""The first coordinate of the Lorenz system, and its forecast."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_count
from seqlab.tasks.series.forecast import Forecast
from seqlab.tasks.series.generator import SeriesGenerator, settled

SIGMA, RHO, BETA = 10.0, 28.0, 8 / 3
STEP = 0.01
"""The step of the integrator, in the system's unit of time."""
STEPS_PER_SAMPLE = 5
RADIUS = math.sqrt(BETA * (RHO - 1))
"""|x| and |y| at the two fixed points other than 0."""


@dataclasses.dataclass(frozen=True)
class Lorenz(SeriesGenerator):
    """First coordinate of the Lorenz system.

        x′ = σ (y − x),   y′ = x (ρ − z) − y,   z′ = x y − β z,   σ = 10, ρ = 28, β = 8/3

    It is integrated by the Runge–Kutta method of order four with a step of .01 and read every .05. The origin
    of the coordinates is the middle between the two fixed points, and their unit is the distance from there:
    w = x/r with r = √(β (ρ − 1)), and the state is (x/r, y/r, (z − ρ + 1)/r), so the fixed points are
    ±(1, 1, 0). Trajectories start uniformly in the cube of side 1 around the origin. Between `burn_in` / 2
    and `burn_in` readings are dropped before the first one that is returned.

    >>> at_rest = jnp.array([[RADIUS, RADIUS, RHO - 1]])
    >>> bool(jnp.abs(advance(at_rest, STEP) - at_rest).max() < 1e-5)
    True

    The errors of naive forecasts are measured.

    Attributes:
        burn_in: the largest number of readings that are dropped until a trajectory is at the attractor.

    Source: E. Lorenz, "Deterministic Nonperiodic Flow", Journal of the Atmospheric Sciences 20(2), 1963,
        equations 25–27.
    """

    origin: ClassVar[str] = "Lorenz 1963"

    burn_in: int = 100

    def __post_init__(self) -> None:
        require_count(self, "burn_in")

    @property
    def state_size(self) -> int:
        return 3

    def sample(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
        centre = jnp.array([0.0, 0.0, RHO - 1])
        begin_key, cut_key = jax.random.split(key)
        begins = centre + jax.random.uniform(begin_key, (size, 3), minval=-RADIUS / 2, maxval=RADIUS / 2)

        def read(state: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            after = jax.lax.fori_loop(0, STEPS_PER_SAMPLE, lambda _, state: advance(state, STEP), state)
            return after, state

        states = jax.lax.scan(read, begins, length=self.burn_in + num_steps)[1]
        states = settled(cut_key, jnp.moveaxis(states, 0, 1), num_steps)
        states = (states - centre) / RADIUS
        return states[:, 0], states[..., 0]


def velocity(state: jax.Array) -> jax.Array:
    """Return (x′, y′, z′) of states `(…, 3)`."""
    x, y, z = jnp.moveaxis(state, -1, 0)
    return jnp.stack([SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z], axis=-1)


def advance(state: jax.Array, step: float) -> jax.Array:
    """Make one step of the classical Runge–Kutta method of order four."""
    first = velocity(state)
    second = velocity(state + step / 2 * first)
    third = velocity(state + step / 2 * second)
    fourth = velocity(state + step * third)
    return state + step / 6 * (first + 2 * second + 2 * third + fourth)


def lorenz(
    length: int = 100,
    min_length: int = 1,
    curriculum: str = "fixed",
    horizon: int = 10,
    burn_in: int = 100,
    num_evaluation_examples: int = 1024,
) -> Forecast:
    """Return the forecast of `Lorenz`; the other arguments are the fields of `Forecast`."""
    series = Lorenz(burn_in)
    return Forecast(series, length, min_length, curriculum, horizon, num_evaluation_examples)
