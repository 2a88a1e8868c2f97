"""Finite-time Lyapunov exponents of a recurrence, along the trajectories of a batch."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from seqlab.recurrence.norms import global_norm

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
    frame = orthonormalised(jnp.broadcast_to(draw, (states_TBN.shape[1], size, count)))[0]

    def push(frame: jax.Array, now: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state, x, real = now
        _, along = jax.linearize(lambda state: step(state, x), state)
        moved = jax.vmap(along, in_axes=-1, out_axes=-1)(frame)
        turned, logs = orthonormalised(moved)
        real = real[:, None]
        return jnp.where(real[..., None], turned, frame), jnp.sum(jnp.where(real, logs, 0), axis=0)

    _, logs = jax.lax.scan(push, frame, (states_TBN, inputs_TBF, real_TB))
    sums = jnp.sum(logs, axis=0), jnp.sum(real_TB, dtype=logs.dtype)
    total, steps = sums if axis is None else jax.lax.psum(sums, axis)
    return jnp.sort(total / steps)[::-1]


def orthonormalised(frame: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return Q `(B, N, K)` of the decomposition QU of matrices, and ln |U_ii| `(B, K)`.

    It is the Gram-Schmidt process, with every vector made orthogonal twice, as once is not enough in floating
    point. LAPACK's decompositions of batches can wait for each other for ever (`spectra.spectral_radius`).
    """
    basis, logs = jnp.zeros_like(frame), []
    for k in range(frame.shape[-1]):
        v, log = frame[..., k], 0
        for _ in range(2):
            v, length = normalised(v - jnp.einsum("bnk,bk->bn", basis, jnp.einsum("bnk,bn->bk", basis, v)))
            log += length
        basis = basis.at[..., k].set(v)
        logs.append(log)
    return basis, jnp.stack(logs, axis=-1)


def normalised(vectors: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return vectors `(B, N)` at length one (zeros unchanged), and the logs of their lengths `(B,)`."""
    norms = jax.vmap(global_norm)(vectors)
    safe = jnp.where(norms.relative > 0, norms.relative, 1)
    return vectors / norms.scale[:, None] / safe[:, None], jnp.log(norms.relative) + jnp.log(norms.scale)
