"""The diagonal structured state-space model (S4D)."""

from __future__ import annotations

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells import state_space
from seqlab.cells.linear import LinearCell
from seqlab.types import Carry, Params

EIGENVALUES = ("lin", "inv", "real")


class S4D(LinearCell):
    """The diagonal state-space model with one input and one output for each feature, and N states.

        u_t = x_t W
        s_t = λ̄ ⊙ s_{t−1} + ḡ u_t,   λ̄ and ḡ from λ and Δ by zero-order hold or bilinear
        y_t = 2 Re(Σ_n C_n s_tn) + D ⊙ u_t

    The states are N / 2 complex numbers, each for itself and its conjugate. The carry is `(Re s, Im s)`, each
    `(B, H, N / 2)`. With `eigenvalues="real"` they are real, the carry is s `(B, H, N)`, and y_t = Σ_n C_n
    s_tn + D ⊙ u_t. Parameters: `input_kernel` W `(F, H)`, `log_step` `(H,)`, `log_decay` log(−Re λ) and
    `frequency` Im λ `(H, N / 2)`, `C` `(2, H, N / 2)`, `D` `(H,)`.

    Attributes:
        num_states: N, even.
        eigenvalues: the initial λ: "lin" for −1/2 + iπn, "inv" for −1/2 + i N/π (N/(2n+1) − 1), or "real" for
            −(n + 1).
        discretization: "zoh" (zero-order hold) or "bilinear".
        min_step: the smallest initial Δ.
        max_step: the largest.

    Source: Gu et al. 2022, "On the parameterization and initialization of diagonal state space models",
    sections 3 and 4. Deviations: W, as F may differ from H; B is 1, as C can take its place; the block's
    nonlinearity and mixing of features are not part of the cell.
    """

    num_states: int = 16
    eigenvalues: str = "lin"
    discretization: str = "zoh"
    min_step: float = 0.001
    max_step: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        state_space.require_diagonal(self, EIGENVALUES)

    @property
    def is_complex(self) -> bool:
        """Whether the states are complex."""
        return self.eigenvalues != "real"

    @property
    def num_parts(self) -> int:
        """The numbers of the state of a feature, complex or real."""
        return self.num_states // 2 if self.is_complex else self.num_states

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        zeros = jnp.zeros((*input_shape[:-1], self.features, self.num_parts), self.param_dtype)
        return (zeros, zeros) if self.is_complex else zeros

    def declare(self, x: jax.Array) -> Params:
        F, H, P, dtype = x.shape[-1], self.features, self.num_parts, self.param_dtype
        dense, normal = nn.initializers.lecun_normal(), nn.initializers.normal
        step = state_space.log_uniform(self.min_step, self.max_step)
        declared = {
            "input_kernel": self.param("input_kernel", dense, (F, H), dtype),
            "log_step": self.param("log_step", step, (H,), dtype),
            "log_decay": self.param("log_decay", self._log_decays, (H, P), dtype),
            "C": self.param("C", normal(math.sqrt(0.5)), (2, H, P)[not self.is_complex :], dtype),
            "D": self.param("D", normal(1.0), (H,), dtype),
        }
        if self.is_complex:
            declared["frequency"] = self.param("frequency", self._frequencies, (H, P), dtype)
        return declared

    @nn.nowrap
    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        step = jnp.exp(weights["log_step"])[:, None]
        a, gain = state_space.discretized(state_space.eigenvalues(weights), step, self.discretization)
        return a, gain * (x @ weights["input_kernel"])[..., None]

    @nn.nowrap
    def out(self, weights: Params, x: jax.Array, state: Any) -> jax.Array:
        C = weights["C"]
        if self.is_complex:
            y = 2 * jnp.sum(state.real * C[0] - state.imag * C[1], axis=-1)
        else:
            y = jnp.sum(state * C, axis=-1)
        return y + weights["D"] * (x @ weights["input_kernel"])

    @nn.nowrap
    def _log_decays(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        decays = jnp.full(shape[-1], 0.5) if self.is_complex else 1.0 + jnp.arange(shape[-1])
        return jnp.broadcast_to(jnp.log(decays), shape).astype(dtype)

    @nn.nowrap
    def _frequencies(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        n, N = jnp.arange(shape[-1]), self.num_states
        frequencies = math.pi * n if self.eigenvalues == "lin" else N / math.pi * (N / (2 * n + 1) - 1)
        return jnp.broadcast_to(frequencies, shape).astype(dtype)
