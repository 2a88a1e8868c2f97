"""DeltaNet, and its products of Householder steps."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.delta_rule import (
    IDLE,
    Reading,
    delta_chunk,
    delta_step,
    require_delta_rule,
    strengths,
    unit,
)
from seqlab.cells.gates import sow
from seqlab.cells.matrix_cell import MatrixCell, merge_heads, rms_norm
from seqlab.types import Params


class DeltaNet(MatrixCell):
    """DeltaNet: each step replaces the value under a key, and keeps what stands under orthogonal keys.

        q = unit(silu(x_t W_q)),  k = unit(silu(x_t W_k)),  v = silu(x_t W_v),  β = σ(x_t W_β)
        S_t = (I − β k kᵀ) S_{t−1} + β k vᵀ
        y_t = (RMSNorm(S_tᵀ q) ⊙ g) W_o

    for each of N heads; the heads stand side by side before W_o. With M = `num_householder`, a step has M
    keys, values and β, and takes M such products one after another. The carry is S `(B, N, K, V)`, the output
    y `(B, H)`. Parameters: `input_kernel` [W_q W_k W_v W_β], `norm_gain` g `(V,)`, `output_kernel` W_o.

    Attributes:
        eigenvalues: the range of the eigenvalue 1 − β of the step's matrix: [0, 1], or [−1, 1] for twice
            the β above. Only with negative eigenvalues can one layer learn parity (Grazzi et al. 2024).
        num_householder: M; with eigenvalues [−1, 1], a product of M reflections is any orthogonal matrix that
            moves at most M dimensions (Siems et al. 2025, "DeltaProduct").

    Source: Yang et al. 2024, "Parallelizing linear transformers with the delta rule over sequence length";
    Grazzi et al. 2024, "Unlocking state-tracking in linear RNNs through negative eigenvalues". Deviation: the
    short convolution before q, k and v is not part of the cell (see `architecture.input_conv`).
    """

    eigenvalues: tuple[int, int] = (0, 1)
    num_householder: int = 1

    gates: ClassVar[tuple[str, ...]] = ("β",)
    idle: ClassVar[NamedTuple] = IDLE

    def __post_init__(self) -> None:
        require_delta_rule(self)
        super().__post_init__()

    @property
    def longest_chunk(self) -> int:
        return max(1, super().longest_chunk // self.num_householder)

    def declare(self, x: jax.Array) -> Params:
        M, N = self.num_householder, self.num_heads
        width = N * self.key_width + M * (N * self.key_width + self.features + N)
        return {"input_kernel": self.input_kernel(x, width), **self.readout()}

    @nn.nowrap
    def project(self, weights: Params, x: jax.Array) -> Reading:
        M, keys = self.num_householder, self.num_heads * self.key_width
        ends = (keys, keys + M * keys, keys + M * (keys + self.features))
        q, k, v, beta = map(self.heads, jnp.split(x @ weights["input_kernel"], ends, axis=-1))
        k, v = (jax.nn.silu(a.reshape(*a.shape[:-1], M, -1)) for a in (k, v))
        log_decay = jnp.zeros(q.shape[:-1], q.dtype)
        return Reading(unit(jax.nn.silu(q)), unit(k), v, strengths(self, beta), log_decay, None)

    @nn.nowrap
    def write(self, carry: jax.Array, now: Reading) -> jax.Array:
        sow(self, beta=now.beta / (self.eigenvalues[1] - self.eigenvalues[0]))
        return delta_step(carry, now)

    @nn.nowrap
    def advance(
        self, carry: jax.Array, now: Reading, segments: jax.Array | None
    ) -> tuple[jax.Array, jax.Array]:
        return delta_chunk(carry, now, segments)

    @nn.nowrap
    def out(self, weights: Params, now: Reading, o: jax.Array) -> jax.Array:
        return merge_heads(rms_norm(o) * weights["norm_gain"]) @ weights["output_kernel"]
