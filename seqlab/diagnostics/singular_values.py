"""Largest singular value of the Jacobian ∂s_{t+k}/∂s_t of k steps of a recurrence."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.diagnostics.lyapunov import Step
from seqlab.recurrence.norms import global_norm

MOST_ITERATIONS = 100

Iteration = tuple[jax.Array, jax.Array, jax.Array, jax.Array]
"""The state of the power method: iterations, v, and log σ before and after the last one."""


def log10_singular_value(
    step: Step,
    states_TBN: jax.Array,
    inputs_TBF: jax.Array,
    real_TB: jax.Array,
    k: int,
    axis: str | None = None,
    resets_TB: jax.Array | None = None,
    most_iterations: int = MOST_ITERATIONS,
) -> jax.Array:
    """Return log10 σ of ∂s_{t+k}/∂s_t over each row's last k real steps, its mean over the rows.

        v ← JᵀJ v / ‖JᵀJ v‖,  σ = ‖J v‖,  J = J_{t+k} … J_{t+1}

    by power iteration: J v is a jvp through k steps, Jᵀu a vjp back. After each step the vector is divided by
    its norm and the log of the norm is added up, so no product leaves the range of floats. The iteration ends
    when no row's log σ changes by more than rounding, or after `most_iterations`. In the latter case σ is a
    little too small where two singular values are nearly equal.

    Args:
        step: one step of the cell.
        states_TBN: s_{t−1}, the state that step t reads.
        inputs_TBF: x_t.
        real_TB: bool, True up to each row's end.
        k: at most T − 1. Rows with fewer than k + 1 real steps since their last reset are left out.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.
        resets_TB: bool, True where a row is reset within the batch; None for nowhere.
        most_iterations: the most iterations.

    Returns:
        A scalar; NaN where no row is long enough.

    Source: Golub & Van Loan 2013, "Matrix computations", section 8.2, for the power method.
    """
    lengths = jnp.sum(real_TB, axis=0)
    last = jnp.maximum(lengths - k, 0) + jnp.arange(k)[:, None]
    states, inputs = (jnp.take_along_axis(leaf, last[..., None], axis=0) for leaf in (states_TBN, inputs_TBF))

    def push(v: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state, x = now
        return _normalised(jax.jvp(lambda state: step(state, x), (state,), (v,))[1])

    def pull(u: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        state, x = now
        return _normalised(jax.vjp(lambda state: step(state, x), state)[1](u)[0])[0], None

    def iterate(state: Iteration) -> Iteration:
        iteration, v, _, log = state
        u, logs = jax.lax.scan(push, v, (states, inputs))
        v, _ = jax.lax.scan(pull, u, (states, inputs), reverse=True)
        return iteration + 1, v, log, jnp.sum(logs, axis=0)

    def moves(state: Iteration) -> jax.Array:
        iteration, _, before, log = state
        return (iteration < most_iterations) & jnp.any(jnp.abs(log - before) > tolerance)

    dtype = states.dtype
    tolerance = 64 * jnp.finfo(dtype).eps * k**0.5
    draw = jax.random.normal(jax.random.key(0), states.shape[-1:], dtype)
    v = _normalised(jnp.broadcast_to(draw, states[0].shape))[0]
    unknown = jnp.full_like(v[:, 0], jnp.inf)
    first = jnp.int32(0), v, -unknown, unknown
    *_, log = jax.lax.while_loop(moves, iterate, first)

    enough = lengths > k
    if resets_TB is not None:
        latest = jnp.max(jnp.where(resets_TB & real_TB, jnp.arange(len(real_TB))[:, None], 0), axis=0)
        enough &= lengths - latest > k
    sums = jnp.sum(jnp.where(enough, log, 0)), jnp.sum(enough, dtype=dtype)
    total, rows = sums if axis is None else jax.lax.psum(sums, axis)
    return total / rows / jnp.log(jnp.asarray(10, dtype))


def _normalised(vectors: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return vectors `(B, N)` at length one (zeros unchanged), and the logs of their lengths `(B,)`."""
    norms = jax.vmap(global_norm)(vectors)
    safe = jnp.where(norms.relative > 0, norms.relative, 1)
    return vectors / norms.scale[:, None] / safe[:, None], jnp.log(norms.relative) + jnp.log(norms.scale)
