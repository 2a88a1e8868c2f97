"""Finite-time Lyapunov exponents of a recurrence, along the trajectories of a batch."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

NUM_EXPONENTS = 4

Step = Callable[[jax.Array, jax.Array], jax.Array]
"""One step of a recurrence, `(B, N), (B, F) -> (B, N)`: the leaves of a carry side by side, and x_t."""


def lyapunov_exponents(
    step: Step, states_TBN: jax.Array, inputs_TBF: jax.Array, real_TB: jax.Array, axis: str | None = None
) -> jax.Array:
    """Return the largest Lyapunov exponents of a recurrence, in nats a step, the largest first.

        Q_t U_t = J_t Q_{t−1},  J_t = ∂s_t/∂s_{t−1},  λ_i = mean of ln |U_t,ii| over real steps and rows

    With λ_1 > 0 nearby states move apart, and gradients explode. For a linear recurrence with R = ρQ, Q
    orthogonal, every λ is ln ρ. Q_0 is random: during the first steps it turns towards the directions that
    are stretched most, so these steps count for a little less than they stretch. Q is not reset where a
    trajectory is, because any orthonormal frame may start one.

    Args:
        step: one step of the cell.
        states_TBN: s_{t−1}, the state that step t reads.
        inputs_TBF: x_t.
        real_TB: bool, False at steps that do not count.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.

    Returns:
        `(4,)`, or `(N,)` where N is less than 4.

    Source: Benettin et al. 1980, "Lyapunov characteristic exponents for smooth dynamical systems"; Engelken
    et al. 2023, "Lyapunov spectra of chaotic recurrent neural networks", for recurrent networks.
    """
    size = states_TBN.shape[-1]
    count = min(NUM_EXPONENTS, size)
    draw = jax.random.normal(jax.random.key(0), (size, count), states_TBN.dtype)
    frame = jnp.broadcast_to(jnp.linalg.qr(draw)[0], (states_TBN.shape[1], size, count))

    def push(frame: jax.Array, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state, x, real = now
        _, along = jax.linearize(lambda state: step(state, x), state)
        moved = jax.vmap(along, in_axes=-1, out_axes=-1)(frame)
        turned, stretch = jnp.linalg.qr(moved)
        logs = jnp.log(jnp.abs(jnp.diagonal(stretch, axis1=-2, axis2=-1)))
        real = real[:, None]
        return jnp.where(real[..., None], turned, frame), jnp.sum(jnp.where(real, logs, 0), axis=0)

    _, logs = jax.lax.scan(push, frame, (states_TBN, inputs_TBF, real_TB))
    sums = jnp.sum(logs, axis=0), jnp.sum(real_TB, dtype=logs.dtype)
    total, steps = sums if axis is None else jax.lax.psum(sums, axis)
    return jnp.sort(total / steps)[::-1]
