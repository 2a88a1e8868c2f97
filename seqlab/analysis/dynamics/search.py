"""Search for the minima of the speed of a map, by the Levenberg-Marquardt method."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Map = Callable[[jax.Array], jax.Array]
"""One step of a system without input or with a constant one, `(S, N) -> (S, N)`, row by row."""

ROWS = 32
"""The rows of one compiled call; fewer are filled with copies."""

ITERATIONS = 300
"""The most steps of the search."""

STEADY = 1e-12
"""A row has converged where its step is shorter than this share of its length, or than this."""

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-15, 1e12
"""The damping of the first step, and the range of it."""


class Found(NamedTuple):
    """Where the search ended.

    Attributes:
        states: `(S, N)`.
        speeds: q of each, `(S,)`.
    """

    states: np.ndarray
    speeds: np.ndarray


class DifferentiableMap:
    """A map and its Jacobian, compiled once, on any number of rows in float64."""

    def __init__(self, step: Map) -> None:
        """Take the map."""

        def jacobian(state: jax.Array) -> jax.Array:
            return jax.jacrev(lambda one: step(one[None])[0])(state)

        self._step, self._jacobian = jax.jit(step), jax.jit(jax.vmap(jacobian))

    def step(self, states: np.ndarray) -> np.ndarray:
        """Return F(s), `(S, N) -> (S, N)`."""
        return _in_blocks(self._step, states)

    def jacobian(self, states: np.ndarray) -> np.ndarray:
        """Return ∂F_i/∂s_j, `(S, N) -> (S, N, N)`."""
        return _in_blocks(self._jacobian, states)


def _in_blocks(function: Callable[[jax.Array], jax.Array], states: np.ndarray) -> np.ndarray:
    parts = []
    with jax.enable_x64(True):
        for start in range(0, len(states), ROWS):
            rows = states[start : start + ROWS]
            filled = np.concatenate([rows, np.repeat(rows[-1:], ROWS - len(rows), axis=0)])
            parts.append(np.asarray(function(jnp.asarray(filled)))[: len(rows)])
    return np.concatenate(parts)


def slowest(system: DifferentiableMap, starts: np.ndarray) -> Found:
    """Minimise the speed from each start.

        q(s) = ½ ‖F(s) − s‖²

    by the Levenberg-Marquardt method, with G = ∂F/∂s − I: s moves by −(GᵀG + μI)⁻¹ Gᵀ (F(s) − s). Where q
    falls, the damping μ shrinks, and the method becomes Newton's, which is exact to rounding within a few
    steps; where q would grow, s stays and μ grows.

    Args:
        system: the map F.
        starts: the states to begin at, `(S, N)`.

    Returns:
        A fixed point where q is 0, elsewhere a local minimum of q, or what is reached in 300 steps.

    Source: Sussillo & Barak 2013, "Opening the black box", equation 3, for q; Marquardt 1963 for the method.
    """
    states = np.array(starts, float)
    moves = system.step(states) - states
    speeds = 0.5 * np.sum(moves**2, axis=1)
    damping = np.full(len(states), FIRST_DAMPING)
    active = np.isfinite(speeds)
    for _ in range(ITERATIONS):
        rows = np.flatnonzero(active)
        if not rows.size:
            break
        steps = _damped_steps(system.jacobian(states[rows]), moves[rows], damping[rows])
        tried = states[rows] + steps
        tried_moves = system.step(tried) - tried
        tried_speeds = 0.5 * np.sum(tried_moves**2, axis=1)
        better = tried_speeds < speeds[rows]
        gained = rows[better]
        states[gained], moves[gained], speeds[gained] = (
            tried[better],
            tried_moves[better],
            tried_speeds[better],
        )
        damping[rows] *= np.where(better, 0.1, 10.0)
        damping = np.maximum(damping, LEAST_DAMPING)
        lengths = np.linalg.norm(steps, axis=1)
        still = lengths <= STEADY * (1 + np.linalg.norm(states[rows], axis=1))
        active[rows] = ~still & (damping[rows] < MOST_DAMPING) & (speeds[rows] > 0)
    return Found(states, speeds)


def _damped_steps(jacobians: np.ndarray, moves: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Return the steps of the method, `(S, N)`."""
    size = moves.shape[-1]
    G = jacobians - np.eye(size)
    normal = np.swapaxes(G, 1, 2) @ G + damping[:, None, None] * np.eye(size)
    slopes = np.einsum("sij,si->sj", G, moves)
    finite = np.isfinite(normal).all(axis=(1, 2)) & np.isfinite(slopes).all(axis=1)
    normal[~finite], slopes[~finite] = np.eye(size), 0.0
    return -np.linalg.solve(normal, slopes[..., None])[..., 0]
