"""Gated DeltaNet: the delta rule with decay."""

from __future__ import annotations

import math
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


class GatedDeltaNet(MatrixCell):
    """Gated DeltaNet: the memory decays, and each step replaces the value under a key.

        q = unit(silu(x_t W_q)),  k = unit(silu(x_t W_k)),  v = silu(x_t W_v),  r = x_t W_r
        β = σ(x_t W_β),  α = exp(−exp(a) softplus(x_t W_α + b))
        S_t = α (I − β k kᵀ) S_{t−1} + β k vᵀ
        y_t = (RMSNorm(S_tᵀ q) ⊙ g ⊙ silu(r)) W_o

    for each of N heads; the heads stand side by side before W_o. With M = `num_householder`, a step has M
    keys, values and β; the memory decays once, and then takes M products one after another. The carry is S
    `(B, N, K, V)`, the output y `(B, H)`. Parameters: `input_kernel` [W_q W_k W_v W_β W_α W_r], `log_rate` a
    and `decay_bias` b `(N,)`, `norm_gain` g `(V,)`, `output_kernel` W_o.

    Attributes:
        eigenvalues: the range of the eigenvalue 1 − β of the step's matrix: [0, 1], or [−1, 1] for twice
            the β above. Only with negative eigenvalues can one layer learn parity (Grazzi et al. 2024).
        num_householder: M; with eigenvalues [−1, 1], a product of M reflections is any orthogonal matrix that
            moves at most M dimensions (Siems et al. 2025, "DeltaProduct").

    Source: Yang et al. 2025, "Gated delta networks: improving Mamba2 with delta rule"; initial a and b as in
    its code, after Gu & Dao 2023: exp(a) uniform in [1, 16], softplus(b) log-uniform in [0.001, 0.1].
    Deviation: the short convolution before q, k and v is not part of the cell (see
    `architecture.input_conv`).
    """

    eigenvalues: tuple[int, int] = (0, 1)
    num_householder: int = 1

    gates: ClassVar[tuple[str, ...]] = ("α", "β")
    idle: ClassVar[NamedTuple] = IDLE._replace(r=0.0)

    def __post_init__(self) -> None:
        require_delta_rule(self)
        super().__post_init__()

    @property
    def longest_chunk(self) -> int:
        return max(1, super().longest_chunk // self.num_householder)

    def declare(self, x: jax.Array) -> Params:
        M, N = self.num_householder, self.num_heads
        width = N * self.key_width + M * (N * self.key_width + self.features + N) + N + self.features
        return {
            "input_kernel": self.input_kernel(x, width),
            "log_rate": self.param("log_rate", _log_rates, (N,), self.param_dtype),
            "decay_bias": self.param("decay_bias", _decay_biases, (N,), self.param_dtype),
            **self.readout(),
        }

    @nn.nowrap
    def project(self, weights: Params, x: jax.Array) -> Reading:
        M, N, H = self.num_householder, self.num_heads, self.features
        keys = N * self.key_width
        sizes = (keys, M * keys, M * H, M * N, N)
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
        q, k, v, beta, decay, r = jnp.split(x @ weights["input_kernel"], ends, axis=-1)
        q, k, v, beta, r = map(self.heads, (q, k, v, beta, r))
        k, v = (jax.nn.silu(a.reshape(*a.shape[:-1], M, -1)) for a in (k, v))
        log_decay = -jnp.exp(weights["log_rate"]) * jax.nn.softplus(decay + weights["decay_bias"])
        return Reading(unit(jax.nn.silu(q)), unit(k), v, strengths(self, beta), log_decay, r)

    @nn.nowrap
    def write(self, carry: jax.Array, now: Reading) -> jax.Array:
        beta = now.beta / (self.eigenvalues[1] - self.eigenvalues[0])
        sow(self, forget=jnp.exp(now.log_decay), beta=beta)
        return delta_step(carry, now)

    @nn.nowrap
    def advance(
        self, carry: jax.Array, now: Reading, segments: jax.Array | None
    ) -> tuple[jax.Array, jax.Array]:
        return delta_chunk(carry, now, segments)

    @nn.nowrap
    def out(self, weights: Params, now: Reading, o: jax.Array) -> jax.Array:
        o = rms_norm(o) * weights["norm_gain"] * jax.nn.silu(now.r)
        return merge_heads(o) @ weights["output_kernel"]


def _log_rates(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
    return jnp.log(jax.random.uniform(key, shape, dtype, 1.0, 16.0))


def _decay_biases(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
    """Return b with softplus(b) log-uniform in [0.001, 0.1]."""
    rates = jnp.exp(jax.random.uniform(key, shape, dtype, math.log(0.001), math.log(0.1)))
    return rates + jnp.log(-jnp.expm1(-rates))
