"""Do nearby states part or meet? Finite-time Lyapunov exponents along real trajectories."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

NUM_EXPONENTS = 4

Step = Callable[[jax.Array, jax.Array], jax.Array]
"""A step of many rows, `(B, N), (B, F) -> (B, N)`: the state, all of a carry side by side, and x_t."""


def lyapunov_exponents(
    step: Step, states_TBN: jax.Array, inputs_TBF: jax.Array, real_TB: jax.Array, axis: str | None = None
) -> jax.Array:
    """Return the largest Lyapunov exponents of a recurrence, in nats a step, the largest first.

        Q_t U_t = J_t Q_{t−1},  J_t = ∂s_t/∂s_{t−1},  λ_i = mean of ln |U_t,ii| over real steps and rows

    A positive λ_1 is a state that parts from its neighbours, a gradient that explodes; of R = ρQ with Q
    orthogonal and no squashing, every λ is ln ρ. Q_0 is random, so the first steps of a trajectory, which
    turn it towards what is stretched most, count for a little less than they stretch. Where a trajectory
    starts anew, Q goes on as it is: any frame may begin one.

    Args:
        step: one step of the cell.
        states_TBN: s_{t−1}, the states that the steps read.
        inputs_TBF: x_t.
        real_TB: bool; other steps are passed over.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.

    Returns:
        `(4,)`, or `(N,)` where that is less.

    Source: Benettin et al. 1980, "Lyapunov characteristic exponents for smooth dynamical systems"; Engelken
    et al. 2023, "Lyapunov spectra of chaotic recurrent neural networks", for recurrent networks.
    """
    size = states_TBN.shape[-1]
    count = min(NUM_EXPONENTS, size)
    draw = jax.random.normal(jax.random.key(0), (size, count), states_TBN.dtype)
    # Made from the states, it is each device's own as they are.
    frame = jnp.linalg.qr(draw)[0] + jnp.zeros_like(states_TBN[0, :, :1, None])

    def push(frame: jax.Array, now: tuple) -> tuple[jax.Array, jax.Array]:
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
