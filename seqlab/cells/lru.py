"""The linear recurrent unit (LRU)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.linear import LinearCell
from seqlab.checks import require_number
from seqlab.types import Carry, Params


class LRU(LinearCell):
    """The linear recurrent unit: a complex diagonal recurrence, stable by its parametrisation.

        λ = exp(−exp(ν) + i exp(θ))
        s_t = λ ⊙ s_{t−1} + exp(γ) ⊙ (x_t B)
        y_t = Re(s_t C) + x_t D

    The carry is `(Re s, Im s)`, each `(B, H)`; the output is y `(B, H)`. Parameters: `nu`, `theta`, `gamma`
    `(H,)`, `B` `(2, F, H)` and `C` `(2, H, H)` with their real and imaginary parts, `D` `(F, H)`.

    Attributes:
        min_radius: smallest initial |λ|.
        max_radius: largest initial |λ|.
        max_phase: largest initial arg λ; a full turn by default.

    Source: Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences", section 3 and
    appendix A. Deviations: D is a full matrix, because F may differ from H; the MLP of a block is not part of
    the cell.
    """

    min_radius: float = 0.0
    max_radius: float = 0.99
    max_phase: float = 2 * math.pi

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "max_radius", 0.0, 1.0)
        require_number(self, "min_radius", 0.0, 1.0)
        require_number(self, "max_phase", 0.0, 7.0)
        if not self.min_radius < self.max_radius:
            raise ValueError(f"min_radius must be below max_radius={self.max_radius}, got {self.min_radius}")
        if not self.max_phase:
            raise ValueError("max_phase must be positive, got 0")

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        zeros = super().initialize_carry(rng, input_shape)
        return zeros, zeros

    def declare(self, x: jax.Array) -> Params:
        F, H = x.shape[-1], self.features
        nu = self.param("nu", self._radii, (H,), self.param_dtype)
        theta = self.param("theta", self._phases, (H,), self.param_dtype)
        gamma = self.param("gamma", lambda key: 0.5 * jnp.log(-jnp.expm1(-2 * jnp.exp(nu))))
        return {
            "nu": nu,
            "theta": theta,
            "gamma": gamma,
            "B": self.param("B", _normal((2 * F) ** -0.5), (2, F, H), self.param_dtype),
            "C": self.param("C", _normal(H**-0.5), (2, H, H), self.param_dtype),
            "D": self.param("D", nn.initializers.lecun_normal(), (F, H), self.param_dtype),
        }

    @nn.nowrap
    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        a = jnp.exp(jax.lax.complex(-jnp.exp(weights["nu"]), jnp.exp(weights["theta"])))
        gain = jnp.exp(weights["gamma"])
        return a, jax.lax.complex(gain * (x @ weights["B"][0]), gain * (x @ weights["B"][1]))

    @nn.nowrap
    def out(self, weights: Params, x: jax.Array, state: Any) -> jax.Array:
        return state.real @ weights["C"][0] - state.imag @ weights["C"][1] + x @ weights["D"]

    @nn.nowrap
    def _radii(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        """Return ν such that λ is uniform on the ring, i.e. |λ|² is uniform (lemma 3.2)."""
        low, high = self.min_radius**2, self.max_radius**2
        squares = jax.random.uniform(key, shape, dtype, max(low, 1e-6 * high), high)
        return jnp.log(-0.5 * jnp.log(squares))

    @nn.nowrap
    def _phases(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jnp.log(jax.random.uniform(key, shape, dtype, 1e-6 * self.max_phase, self.max_phase))


def _normal(deviation: float) -> Callable[..., jax.Array]:
    return nn.initializers.normal(deviation)
