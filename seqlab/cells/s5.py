"""The simplified structured state-space layer (S5)."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells import state_space
from seqlab.cells.linear import LinearCell
from seqlab.types import Carry, Params

EIGENVALUES = ("legs", "real")


class S5(LinearCell):
    """The diagonal state-space model with one state of N numbers for all features.

        s_t = λ̄ ⊙ s_{t−1} + ḡ ⊙ (x_t B),   λ̄ and ḡ from λ and Δ by zero-order hold or bilinear
        y_t = 2 Re(s_t C) + x_t D

    The state is N / 2 complex numbers, each for itself and its conjugate. The carry is `(Re s, Im s)`, each
    `(B, N / 2)`. With `eigenvalues="real"` they are real, the carry is s `(B, N)`, and y_t = s_t C + x_t D.
    Parameters: `log_step`, `log_decay` log(−Re λ) and `frequency` Im λ `(N / 2,)`, `B` `(2, F, N / 2)`, `C`
    `(2, N / 2, H)`, `D` `(F, H)`.

    Attributes:
        num_states: N, even.
        eigenvalues: the initial λ: "legs" for those of the normal part of HiPPO-LegS, or "real" for −(n + 1).
        discretization: "zoh" (zero-order hold) or "bilinear".
        min_step: the smallest initial Δ.
        max_step: the largest.

    Source: Smith et al. 2023, "Simplified state space layers for sequence modeling", section 3 and appendix
    B.1. Deviations: D is a full matrix, as F may differ from H; one block of HiPPO; the layer's nonlinearity
    is not part of the cell.
    """

    num_states: int = 64
    eigenvalues: str = "legs"
    discretization: str = "zoh"
    min_step: float = 0.001
    max_step: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        state_space.require_diagonal(self, EIGENVALUES)

    @property
    def is_complex(self) -> bool:
        """Whether the state is complex."""
        return self.eigenvalues != "real"

    @property
    def num_parts(self) -> int:
        """The numbers of the state, complex or real."""
        return self.num_states // 2 if self.is_complex else self.num_states

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        zeros = jnp.zeros((*input_shape[:-1], self.num_parts), self.param_dtype)
        return (zeros, zeros) if self.is_complex else zeros

    def declare(self, x: jax.Array) -> Params:
        F, H, P, dtype = x.shape[-1], self.features, self.num_parts, self.param_dtype
        parts = 2 if self.is_complex else 1
        step = state_space.log_uniform(self.min_step, self.max_step)
        declared = {
            "log_step": self.param("log_step", step, (P,), dtype),
            "log_decay": self.param("log_decay", self._log_decays, (P,), dtype),
            "B": self.param("B", self._reading, (parts, F, P), dtype),
            "C": self.param("C", self._written, (parts, P, H), dtype),
            "D": self.param("D", nn.initializers.lecun_normal(), (F, H), dtype),
        }
        if self.is_complex:
            declared["frequency"] = self.param("frequency", self._frequencies, (P,), dtype)
        return declared

    @nn.nowrap
    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        B, step = weights["B"], jnp.exp(weights["log_step"])
        read = jax.lax.complex(x @ B[0], x @ B[1]) if self.is_complex else x @ B[0]
        a, gain = state_space.discretized(state_space.eigenvalues(weights), step, self.discretization)
        return a, gain * read

    @nn.nowrap
    def out(self, weights: Params, x: jax.Array, state: Any) -> jax.Array:
        C = weights["C"]
        y = 2 * (state.real @ C[0] - state.imag @ C[1]) if self.is_complex else state @ C[0]
        return y + x @ weights["D"]

    @nn.nowrap
    def _log_decays(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        decays = jnp.full(shape, 0.5) if self.is_complex else 1.0 + jnp.arange(shape[0])
        return jnp.log(decays).astype(dtype)

    @nn.nowrap
    def _frequencies(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jnp.asarray(state_space.legs(shape[0])[0].imag, dtype)

    @nn.nowrap
    def _reading(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        """Return B: a random real matrix, in the basis of the eigenvectors of the initial λ."""
        _, F, P = shape
        if not self.is_complex:
            return _DRAW(key, (F, P), dtype)[None]
        matrix = _DRAW(key, (F, 2 * P), dtype) @ state_space.legs(P)[1].conj()
        return jnp.stack([matrix.real, matrix.imag]).astype(dtype)

    @nn.nowrap
    def _written(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        """Return C, likewise."""
        _, P, H = shape
        if not self.is_complex:
            return _DRAW(key, (P, H), dtype)[None]
        matrix = state_space.legs(P)[1].T @ _DRAW(key, (2 * P, H), dtype)
        return jnp.stack([matrix.real, matrix.imag]).astype(dtype)


_DRAW = nn.initializers.lecun_normal()
