"""Can it forecast chaos from one coordinate of three? The Lorenz system."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_count
from seqlab.tasks.series._forecasts import ForecastTask, settled

SIGMA, RHO, BETA = 10.0, 28.0, 8 / 3
STEP = 0.01
"""The step of the integrator, in the system's unit of time."""
STEPS_PER_SAMPLE = 5
RADIUS = math.sqrt(BETA * (RHO - 1))
"""|x| and |y| at the two fixed points away from 0."""


@dataclasses.dataclass(frozen=True)
class Lorenz(ForecastTask):
    """Forecast the first coordinate of the Lorenz system.

        x′ = σ (y − x),   y′ = x (ρ − z) − y,   z′ = x y − β z,   σ = 10, ρ = 28, β = 8/3

    integrated by the Runge–Kutta method of order four at a step of .01, and read every .05. Coordinates are
    told from midway between the two fixed points, in their distance from there: w = x/r, r = √(β (ρ − 1)),
    and the state is (x/r, y/r, (z − ρ + 1)/r), so that they lie at ±(1, 1, 0). Trajectories start evenly in
    the cube of side 1 between them, and at least half of `burn_in` readings, at most all, are left out before
    the first shown.

    >>> at_rest = jnp.array([[RADIUS, RADIUS, RHO - 1]])
    >>> bool(jnp.abs(advance(at_rest, STEP) - at_rest).max() < 1e-5)
    True

    Forecasting the mean leaves the variance, which is measured, as is the error of the latest value.

    Attributes:
        burn_in: the most readings that are left out for a trajectory to reach the attractor.

    Raises:
        ValueError: `burn_in` is not a non-negative integer, or as in `ForecastTask`.

    Source: E. Lorenz, "Deterministic Nonperiodic Flow", Journal of the Atmospheric Sciences 20(2), 1963,
        equations 25–27.
    """

    source: ClassVar[str] = "Lorenz 1963"
    state_size: ClassVar[int] = 3

    horizon: int = 10
    burn_in: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self, "burn_in")

    def courses(self, key: jax.Array, size: int, num_steps: int) -> tuple[jax.Array, jax.Array]:
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
