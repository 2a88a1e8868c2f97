"""Gated linear attention (GLA)."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.chunks import kept
from seqlab.cells.gates import sow
from seqlab.cells.matrix_cell import MatrixCell, merge_heads, rms_norm
from seqlab.checks import require_number, require_positive
from seqlab.types import Params


class Reading(NamedTuple):
    """What a step reads of its input: q, k and log α `(…, N, K)`, v and the output gate r `(…, N, V)`."""

    q: Any
    k: Any
    v: Any
    log_decay: Any
    r: Any


class GatedLinearAttention(MatrixCell):
    """Gated linear attention: each row of the memory decays at a rate that the input chooses.

        q = x_t W_q,  k = x_t W_k,  v = x_t W_v,  r = x_t W_r
        α = σ(x_t W_α A + b)^(1/τ)
        S_t = diag(α) S_{t−1} + k vᵀ
        y_t = (RMSNorm(S_tᵀ q) ⊙ g ⊙ silu(r)) W_o

    for each of N heads; the heads stand side by side before W_o. The carry is S `(B, N, K, V)`, the output
    y `(B, H)`. Parameters: `input_kernel` [W_q W_k W_v W_α W_r], `decay_kernel` A, `decay_bias` b,
    `norm_gain` g `(V,)`, `output_kernel` W_o.

    Attributes:
        gate_rank: the rank of W_α A.
        gate_logit_normalizer: τ; the larger it is, the closer to 1 is α.

    Source: Yang et al. 2024, "Gated linear attention transformers with hardware-efficient training", section
    4, also for the chunked form with secondary chunks. Deviations: an RMS norm in place of the layer norm, as
    in the authors' code; r has no bias; K is V by default, and half of it in the paper.
    """

    gate_rank: int = 16
    gate_logit_normalizer: float = 16.0

    gates: ClassVar[tuple[str, ...]] = ("α",)
    idle: ClassVar[NamedTuple] = Reading(0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "gate_rank")
        require_number(self, "gate_logit_normalizer", 1.0)

    def declare(self, x: jax.Array) -> Params:
        keys = self.num_heads * self.key_width
        init = nn.initializers.lecun_normal()
        return {
            "input_kernel": self.input_kernel(x, 2 * keys + self.gate_rank + 2 * self.features),
            "decay_kernel": self.param("decay_kernel", init, (self.gate_rank, keys), self.param_dtype),
            "decay_bias": self.param("decay_bias", nn.initializers.zeros, (keys,), self.param_dtype),
            **self.readout(),
        }

    @nn.nowrap
    def project(self, weights: Params, x: jax.Array) -> Reading:
        keys, H = self.num_heads * self.key_width, self.features
        ends = (keys, 2 * keys, 2 * keys + H, 2 * keys + H + self.gate_rank)
        q, k, v, low, r = jnp.split(x @ weights["input_kernel"], ends, axis=-1)
        logits = low @ weights["decay_kernel"] + weights["decay_bias"]
        log_decay = jax.nn.log_sigmoid(logits) / self.gate_logit_normalizer
        return Reading(*map(self.heads, (q, k, v, log_decay, r)))

    @nn.nowrap
    def write(self, carry: jax.Array, now: Reading) -> jax.Array:
        alpha = jnp.exp(now.log_decay)
        sow(self, forget=alpha)
        return alpha[..., None] * carry + now.k[..., None] * now.v[..., None, :]

    @nn.nowrap
    def advance(
        self, carry: jax.Array, now: Reading, segments: jax.Array | None
    ) -> tuple[jax.Array, jax.Array]:
        """Take L steps, with b_t = Σ_{i ≤ t} log α_i in the chunk.

        S_L = diag(e^{b_L}) S_0 + Σ_j (k_j ⊙ e^{b_L − b_j}) v_jᵀ
        o_t = S_0ᵀ (q_t ⊙ e^{b_t}) + Σ_{j ≤ t} (q_t · (k_j ⊙ e^{b_t − b_j})) v_j
        """
        b = jnp.cumsum(now.log_decay, axis=-2)
        end = b[..., -1:, :]
        first = last = whole = None
        if segments is not None:
            first, last = (segments == 0)[..., None], (segments == segments[..., -1:])[..., None]
            whole = first[..., -1:, :]
        o = (now.q * kept(b, first)) @ carry + _scores(now, b, segments) @ now.v
        written = jnp.swapaxes(now.k * kept(end - b, last), -1, -2) @ now.v
        return jnp.swapaxes(kept(end, whole), -1, -2) * carry + written, o

    @nn.nowrap
    def out(self, weights: Params, now: Reading, o: jax.Array) -> jax.Array:
        o = rms_norm(o) * weights["norm_gain"] * jax.nn.silu(now.r)
        return merge_heads(o) @ weights["output_kernel"]


def _scores(now: Reading, b: jax.Array, segments: jax.Array | None) -> jax.Array:
    """Return q_t · (k_j ⊙ e^{b_t − b_j}) for j ≤ t and 0 elsewhere, `(B, N, L, L)`, for L a power of 2.

    A chunk is halved again and again. Steps t of a second half read steps j of the first half through the
    decay at its end m: e^{b_t − b_m} e^{b_m − b_j}. No exponent is positive, so that nothing overflows,
    however fast the memory decays.
    """
    scores = jnp.sum(now.q * now.k, axis=-1, keepdims=True) * jnp.eye(b.shape[-2], dtype=b.dtype)
    half = 1
    while half < b.shape[-2]:
        b_first, b_second = _halves(b, half)
        middle = b_first[..., -1:, :]
        seen_first = seen_second = None
        if segments is not None:
            in_first, in_second = _halves(segments[..., None], half)
            seen_first, seen_second = in_first == in_first[..., -1:, :], in_second == in_first[..., -1:, :]
        k = _halves(now.k, half)[0] * kept(middle - b_first, seen_first)
        q = _halves(now.q, half)[1] * kept(b_second - middle, seen_second)
        blocks = jnp.sum(q * k, axis=-1, keepdims=True) if half == 1 else q @ jnp.swapaxes(k, -1, -2)
        scores += _placed(blocks)
        half *= 2
    return scores


def _placed(blocks: jax.Array) -> jax.Array:
    """Place blocks below the diagonal of zeros `(…, L, L)`: `(…, L / (2·half), half, half) -> (…, L, L)`."""
    *rows, num, half, _ = blocks.shape
    apart = blocks[..., None, :] * jnp.eye(num, dtype=blocks.dtype)[:, None, :, None]
    grid = apart.reshape(*rows, num, 1, half, num, 1, half)
    axes = [(0, 0)] * len(rows)
    grid = jnp.pad(grid, [*axes, (0, 0), (1, 0), (0, 0), (0, 0), (0, 1), (0, 0)])
    return grid.reshape(*rows, 2 * num * half, 2 * num * half)


def _halves(array: jax.Array, half: int) -> tuple[jax.Array, jax.Array]:
    """Split time into blocks of two halves: `(…, L, D) -> (…, L / (2·half), half, D)`, twice."""
    *rows, L, D = array.shape
    blocks = array.reshape(*rows, L // (2 * half), 2, half, D)
    return blocks[..., 0, :, :], blocks[..., 1, :, :]
