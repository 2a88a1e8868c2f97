"""The delta rule: a memory that replaces the value under a key, step by step or a chunk at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.cells.chunks import kept, visible
from seqlab.checks import require_positive

EIGENVALUES = ((0, 1), (-1, 1))


class Reading(NamedTuple):
    """What a step reads of its input, for each of N heads and each of M writes.

    Attributes:
        q: the query, `(…, N, K)`.
        k: the keys, `(…, N, M, K)`, of unit length.
        v: the values, `(…, N, M, V)`.
        beta: the shares of the values under the keys that are replaced, `(…, N, M)`.
        log_decay: the logarithm of the share of the memory that is kept, `(…, N)`.
        r: the output gate before its activation, `(…, N, V)`, or None.
    """

    q: Any
    k: Any
    v: Any
    beta: Any
    log_decay: Any
    r: Any


IDLE = Reading(0.0, 0.0, 0.0, 0.0, 0.0, None)
"""The step that leaves the memory as it is, of a cell without output gate."""


def require_delta_rule(cell: Any) -> None:
    """Raise ValueError where `num_householder` or `eigenvalues` of a cell is outside its legal values.

    A list of eigenvalues, as YAML has it, becomes a tuple. So this comes before `super().__post_init__()`.
    """
    require_positive(cell, "num_householder")
    given = cell.eigenvalues
    if not isinstance(given, (list, tuple)) or tuple(given) not in EIGENVALUES:
        raise ValueError(f"eigenvalues must be [0, 1] or [-1, 1], got {given!r}")
    cell.eigenvalues = tuple(given)  # a list is not hashable


def strengths(cell: Any, logits: jax.Array) -> jax.Array:
    """Return β: σ of the logits for eigenvalues 1 − β in [0, 1], and twice as much for those in [−1, 1]."""
    return jax.nn.sigmoid(logits) * (cell.eigenvalues[1] - cell.eigenvalues[0])


def unit(a: jax.Array) -> jax.Array:
    """Return a / sqrt(|a|² + ε), of length 1 over the last axis, with ε = 1e-6."""
    return a * jax.lax.rsqrt(jnp.sum(a * a, axis=-1, keepdims=True) + 1e-6)


def delta_step(S: jax.Array, now: Reading) -> jax.Array:
    """Take one step: `(B, N, K, V) -> (B, N, K, V)`.

    S ← α S;  S ← S + β_m k_m (v_m − Sᵀ k_m)ᵀ for m = 1 … M
    """
    S = jnp.exp(now.log_decay)[..., None, None] * S
    for m in range(now.beta.shape[-1]):
        k, v, beta = now.k[..., m, :], now.v[..., m, :], now.beta[..., m, None]
        u = beta * (v - jnp.einsum("...k,...kv->...v", k, S))
        S += k[..., None] * u[..., None, :]
    return S


def delta_chunk(S: jax.Array, now: Reading, segments: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """Take the L steps of a chunk, each of M writes, as matrix products.

        (I + A) U = diag(β) (V − diag(e^g) K S_0),  A_ij = β_i e^{g_i − g_j} k_iᵀ k_j for j < i
        o_t = e^{g_t} S_0ᵀ q_t + Σ_{j ≤ t} e^{g_t − g_j} (q_tᵀ k_j) u_j
        S_L = e^{g_L} S_0 + Σ_j e^{g_L − g_j} k_j u_jᵀ

    where g is the sum of log α up to a step of the chunk, i and j count its L·M writes, and U has the rows
    u_i, what each write adds under its key.

    Args:
        S: the memory before the chunk, S_0 `(B, N, K, V)`.
        now: as of a step, with the chunk's steps after the heads: `(B, N, L, …)`.
        segments: int32 `(B, 1, L)`, the number of resets up to each step; None for none.

    Returns:
        S_L, and o `(B, N, L, V)`.

    Source: Yang et al. 2024, "Parallelizing linear transformers with the delta rule over sequence length",
    section 3, and Yang et al. 2025, "Gated delta networks", section 3.3, for the decay.
    """
    M = now.beta.shape[-1]
    k, v = (a.reshape(*a.shape[:2], -1, a.shape[-1]) for a in (now.k, now.v))  # (B, N, L·M, ·)
    beta = now.beta.reshape(*now.beta.shape[:2], -1, 1)
    g = jnp.repeat(jnp.cumsum(now.log_decay, axis=-1), M, axis=-1)[..., None]
    first = last = whole = None
    if segments is not None:
        segments = jnp.repeat(segments, M, axis=-1)
        first, last = (segments == 0)[..., None], (segments == segments[..., -1:])[..., None]
        whole = first[..., -1:, :]
    shares = kept(g - jnp.swapaxes(g, -1, -2), visible(segments, g.shape[-2]))
    enter, end = kept(g, first), g[..., -1:, :]

    keys_T = jnp.swapaxes(k, -1, -2)
    overlap = jnp.tril(beta * shares * (k @ keys_T), -1)
    U = inverse_of_unit_lower(overlap) @ (beta * (v - enter * (k @ S)))
    o = enter[..., M - 1 :: M, :] * (now.q @ S) + (shares[..., M - 1 :: M, :] * (now.q @ keys_T)) @ U
    S = kept(end, whole) * S + jnp.swapaxes(kept(end - g, last) * k, -1, -2) @ U
    return S, o


@jax.custom_jvp
def inverse_of_unit_lower(A: jax.Array) -> jax.Array:
    """Return (I + A)⁻¹ for a strictly lower triangular A `(…, L, L)`, in 2 log₂ L matrix products.

        [[P, 0], [R, Q]]⁻¹ = [[P⁻¹, 0], [−Q⁻¹ R P⁻¹, Q⁻¹]]

    for blocks of 1, 2, 4 … rows. No term is larger than the inverse of a block. The product of
    I + A^(2^i) has terms that grow as binomial coefficients and cancel, where keys repeat.
    """
    row = jnp.arange(A.shape[-1])
    X = jnp.broadcast_to(jnp.eye(A.shape[-1], dtype=A.dtype), A.shape)
    size = 1
    while size < A.shape[-1]:
        block = row // size
        below = (block % 2 == 1)[:, None] & (block[:, None] - 1 == block[None, :])
        R = jnp.where(below, A, 0)
        X = X - (R if size == 1 else X @ R @ X)
        size *= 2
    return X


@inverse_of_unit_lower.defjvp
def _inverse_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Return X and dX = −X dA X."""
    X = inverse_of_unit_lower(*primals)
    return X, -X @ tangents[0] @ X
