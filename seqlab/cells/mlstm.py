"""The xLSTM with a matrix memory (mLSTM)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.chunks import kept, visible
from seqlab.cells.gates import sow
from seqlab.cells.matrix_cell import MatrixCell, merge_heads
from seqlab.checks import require_number
from seqlab.types import Carry, Params


class Reading(NamedTuple):
    """What a step reads of its input: q and k `(…, N, K)`, v and o `(…, N, V)`, i and log σ(f) `(…, N)`."""

    q: Any
    k: Any
    v: Any
    i: Any
    log_forget: Any
    o: Any


class MLSTM(MatrixCell):
    """The LSTM with a matrix memory and exponential input gates, of the xLSTM.

        [q k v i f o] = x_t W + b,  k ← k / √K
        m_t = max(log σ(f) + m_{t−1}, i)
        i′ = exp(i − m_t),  f′ = exp(log σ(f) + m_{t−1} − m_t)
        C_t = f′ C_{t−1} + i′ k vᵀ,  n_t = f′ n_{t−1} + i′ k
        h_t = σ(o) ⊙ C_tᵀ q / max(|n_tᵀ q|, exp(−m_t))

    for each of N heads, which stand side by side in h. The carry is `(C, n, m)`: `(B, N, K, V)`, `(B, N, K)`
    and `(B, N)`; the output is h `(B, H)`. Parameters: `input_kernel` W and `bias` b.

    C and n stand for C exp(m) and n exp(m), so that m changes the size of the numbers and not h. So any m is
    right beside an empty memory, and zeros are as in the authors' code.

    Attributes:
        forget_bias_init: initial bias of the forget gate; it is only the initial value of a parameter.

    Source: Beck et al. 2024, "xLSTM: extended long short-term memory", eqs. 19–27 and appendix A.3. The
    forget gate is a sigmoid, as in the authors' code. Deviations: exp(−m) is at least
    e^−30, in place of 1e-6 added to the denominator; the gates read the input, and not q, k and v.
    """

    forget_bias_init: float = dataclasses.field(default=3.0, metadata={"traced": "initial"})

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "o")
    idle: ClassVar[NamedTuple] = Reading(0.0, 0.0, 0.0, float("-inf"), 0.0, 0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "forget_bias_init")

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros for C, n and m; `rng` is part of Flax's interface and not used."""
        C = super().initialize_carry(rng, input_shape)
        return C, C[..., 0], C[..., 0, 0]

    def declare(self, x: jax.Array) -> Params:
        width = 2 * self.num_heads * (self.key_width + 1) + 2 * self.features
        return {
            "input_kernel": self.input_kernel(x, width),
            "bias": self.param("bias", self.bias_start, (width,), self.param_dtype),
        }

    @nn.nowrap
    def bias_start(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        """Return zeros, and `forget_bias_init` for f."""
        forget = jnp.full(self.num_heads, self.forget_bias_init, dtype)
        before = jnp.zeros(shape[0] - self.num_heads - self.features, dtype)
        return jnp.concatenate([before, forget, jnp.zeros(self.features, dtype)])

    @nn.nowrap
    def project(self, weights: Params, x: jax.Array) -> Reading:
        N, keys, H = self.num_heads, self.num_heads * self.key_width, self.features
        z = x @ weights["input_kernel"] + weights["bias"]
        ends = (keys, 2 * keys, 2 * keys + H, 2 * keys + H + N, 2 * keys + H + 2 * N)
        q, k, v, i, f, o = jnp.split(z, ends, axis=-1)
        q, k, v, o = map(self.heads, (q, k, v, o))
        return Reading(q, k * self.key_width**-0.5, v, i, jax.nn.log_sigmoid(f), jax.nn.sigmoid(o))

    @nn.nowrap
    def write(self, carry: Carry, now: Reading) -> Carry:
        C, n, m_before = carry
        m = jnp.maximum(now.log_forget + m_before, now.i)
        i, f = jnp.exp(now.i - m), jnp.exp(now.log_forget + m_before - m)
        sow(self, input=i, forget=jnp.exp(now.log_forget), output=now.o)
        C = f[..., None, None] * C + i[..., None, None] * now.k[..., None] * now.v[..., None, :]
        return C, f[..., None] * n + i[..., None] * now.k, m

    @nn.nowrap
    def read(self, carry: Carry, now: Reading) -> jax.Array:
        C, n, m = carry
        read = jnp.einsum("...k,...kv->...v", now.q, C)
        return read / _size(jnp.sum(n * now.q, axis=-1), m)

    @nn.nowrap
    def zoneout_mask(self, drawn: Carry) -> Carry:
        """Return one mask for the C, n and m of a head, as C and n have no meaning beside another m.

        They are bool `(B, T, N, 1, 1)`, `(B, T, N, 1)` and `(B, T, N)`, N being the number of heads.
        """
        _, _, m = drawn
        return m[..., None, None], m[..., None], m

    @nn.nowrap
    def advance(self, carry: Carry, now: Reading, segments: jax.Array | None) -> tuple[Carry, jax.Array]:
        """Take L steps, with g_t = Σ_{j ≤ t} log σ(f_j) in the chunk.

        m_t = max(g_t + m_0, max_{j ≤ t} (g_t − g_j + i_j))
        C_L = exp(g_L + m_0 − m_L) C_0 + Σ_j exp(g_L − g_j + i_j − m_L) k_j v_jᵀ, and n_L alike
        C_tᵀ q_t = exp(g_t + m_0 − m_t) C_0ᵀ q_t + Σ_{j ≤ t} exp(g_t − g_j + i_j − m_t) (q_tᵀ k_j) v_j

        A reset at step j begins with m = 0, so that its m_j is the larger of log σ(f_j) and i_j.
        """
        C, n, m_0 = carry
        g = jnp.cumsum(now.log_forget, axis=-1)
        seen = visible(segments, g.shape[-1])
        between = g[..., :, None] - g[..., None, :]  # (B, N, L, L)
        largest, first = now.i, None
        if segments is not None:
            starts = jnp.diff(segments, prepend=0) > 0
            largest, first = jnp.where(starts, jnp.maximum(now.i, now.log_forget), now.i), segments == 0
        m = jnp.max(jnp.where(seen, between + largest[..., None, :], -jnp.inf), axis=-1)
        from_start = g + m_0[..., None]
        m = jnp.maximum(m, from_start if first is None else jnp.where(first, from_start, -jnp.inf))

        old = kept(from_start - m, first)[..., None]
        new = kept(between + now.i[..., None, :] - m[..., None], seen)
        scores = new * (now.q @ jnp.swapaxes(now.k, -1, -2))
        read = old * (now.q @ C) + scores @ now.v
        along = old[..., 0] * jnp.einsum("...lk,...k->...l", now.q, n) + jnp.sum(scores, axis=-1)

        written = new[..., -1, :, None] * now.k
        C = old[..., -1:, :] * C + jnp.swapaxes(written, -1, -2) @ now.v
        n = old[..., -1, :] * n + jnp.sum(written, axis=-2)
        return (C, n, m[..., -1]), read / _size(along, m)

    @nn.nowrap
    def out(self, weights: Params, now: Reading, o: jax.Array) -> jax.Array:
        return merge_heads(now.o * o)


def _size(along: jax.Array, m: jax.Array) -> jax.Array:
    """Return max(|nᵀ q|, exp(−m)), `(…, 1)`, which is never 0."""
    return jnp.maximum(jnp.abs(along), jnp.exp(-jnp.minimum(m, 30)))[..., None]
