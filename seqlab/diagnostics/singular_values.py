"""Largest singular value of the Jacobian ∂s_{t+k}/∂s_t of k steps of a recurrence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.diagnostics.lyapunov import Step, normalised
from seqlab.diagnostics.spectra import spectral_radius

POWER_STEPS = 3
"""Steps of the power method, which find the scale of σ."""

LANCZOS_STEPS = 48
"""The most steps of the Lanczos process; N steps are exact."""


def log10_singular_value(
    step: Step,
    states_TBN: jax.Array,
    inputs_TBF: jax.Array,
    real_TB: jax.Array,
    k: int,
    axis: str | None = None,
    resets_TB: jax.Array | None = None,
) -> jax.Array:
    """Return log10 σ of ∂s_{t+k}/∂s_t over each row's last k real steps, its mean over the rows.

        σ² = λ_max(JᵀJ),  J = J_{t+k} … J_{t+1}

    by the Lanczos process, with full reorthogonalisation: J v is a jvp through k steps, Jᵀu a vjp back. After
    each step the vector is divided by its norm and the log of the norm is added up, so no product leaves the
    range of floats. A few steps of the power method find the scale of σ first. σ is exact to rounding where
    N ≤ `LANCZOS_STEPS`, and otherwise a little too small where many singular values are nearly equal.

    Args:
        step: one step of the cell.
        states_TBN: s_{t−1}, the state that step t reads.
        inputs_TBF: x_t.
        real_TB: bool, True up to each row's end.
        k: at most T − 1. Rows with fewer than k + 1 real steps since their last reset are left out.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.
        resets_TB: bool, True where a row is reset within the batch; None for nowhere.

    Returns:
        A scalar; NaN where no row is long enough.

    Source: Golub & Van Loan 2013, "Matrix computations", sections 8.2 and 10.1.
    """
    lengths = jnp.sum(real_TB, axis=0)
    last = jnp.maximum(lengths - k, 0) + jnp.arange(k)[:, None]
    states, inputs = (jnp.take_along_axis(leaf, last[..., None], axis=0) for leaf in (states_TBN, inputs_TBF))

    def push(v: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state, x = now
        return normalised(jax.jvp(lambda state: step(state, x), (state,), (v,))[1])

    def pull(u: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state, x = now
        return normalised(jax.vjp(lambda state: step(state, x), state)[1](u)[0])

    def squared(v: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Return JᵀJ v at length one, ln ‖J v‖, and ln ‖JᵀJ v‖."""
        u, logs = jax.lax.scan(push, v, (states, inputs))
        v, back = jax.lax.scan(pull, u, (states, inputs), reverse=True)
        return v, jnp.sum(logs, axis=0), jnp.sum(logs + back, axis=0)

    dtype = states.dtype
    draw = jax.random.normal(jax.random.key(0), states.shape[-1:], dtype)
    v = normalised(jnp.broadcast_to(draw, states[0].shape))[0]
    v, scales = jax.lax.scan(lambda v, _: squared(v)[:2], v, length=POWER_STEPS)
    scale = jnp.where(jnp.isfinite(scales[-1]), scales[-1], 0)

    def apply(v: jax.Array) -> jax.Array:
        direction, _, log = squared(v)
        return direction * jnp.exp(log - 2 * scale)[:, None]

    log = jnp.log(_largest_eigenvalue(apply, v, min(LANCZOS_STEPS, v.shape[-1]))) / 2 + scale
    enough = lengths > k
    if resets_TB is not None:
        latest = jnp.max(jnp.where(resets_TB & real_TB, jnp.arange(len(real_TB))[:, None], 0), axis=0)
        enough &= lengths - latest > k
    sums = jnp.sum(jnp.where(enough, log, 0)), jnp.sum(enough, dtype=dtype)
    total, rows = sums if axis is None else jax.lax.psum(sums, axis)
    return total / rows / jnp.log(jnp.asarray(10, dtype))


def _largest_eigenvalue(apply: Callable[[jax.Array], jax.Array], v: jax.Array, num_steps: int) -> jax.Array:
    """Return the largest eigenvalue of a symmetric positive operator by the Lanczos process, `(B,)`.

    Args:
        apply: the operator, on vectors `(B, N)`, with eigenvalues near 1.
        v: the first vectors, at length one.
        num_steps: at most N.
    """
    dtype = v.dtype

    def step(state: tuple[jax.Array, jax.Array], j: jax.Array) -> tuple[Any, tuple[jax.Array, jax.Array]]:
        basis, v = state
        basis = basis.at[j].set(v)
        w = apply(v)
        alpha = jnp.sum(w * v, axis=-1)
        for _ in range(2):  # once is not enough in floating point
            w = w - jnp.einsum("jb,jbn->bn", jnp.einsum("jbn,bn->jb", basis, w), basis)
        beta = jnp.linalg.norm(w, axis=-1)
        ended = beta <= 8 * jnp.finfo(dtype).eps  # the vectors so far span all that the operator reaches
        beta = jnp.where(ended, 0, beta)
        return (basis, jnp.where(ended[:, None], 0, w / jnp.where(ended, 1, beta)[:, None])), (alpha, beta)

    basis = jnp.zeros((num_steps, *v.shape), dtype)
    _, (alphas, betas) = jax.lax.scan(step, (basis, v), jnp.arange(num_steps))
    diagonal = jax.vmap(jnp.diag)(alphas.T)
    beside = jax.vmap(lambda row: jnp.diag(row, 1) + jnp.diag(row, -1))(betas[:-1].T)
    return jax.vmap(spectral_radius)(diagonal + beside)
