"""The recurrent network whose recurrent matrix stays orthogonal."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.cells.cell import sum_of_outer_products
from seqlab.checks import require_positive
from seqlab.types import Carry, Params


class OrthogonalRNN(nn.RNNCellBase):
    """A recurrent network with a recurrent matrix that is a product of reflections, so orthogonal.

        R = (I − 2 u_1 u_1ᵀ) … (I − 2 u_K u_Kᵀ),  u_k = v_k / ‖v_k‖
        a_t = x_t W + h_{t−1} R
        h_t = sign(a_t) ⊙ max(|a_t| + b, 0)

    R is orthogonal up to rounding after every update, whatever the optimiser does, and is computed once a
    sequence. Where b is 0, as it is at first, the network is linear, and gradients keep their norm through
    any number of steps. The carry and the output are h `(B, H)`. Parameters: `input_kernel` W `(F, H)`,
    `reflections` v `(K, H)`, `bias` b `(H,)`.

    Attributes:
        features: H, the width of the hidden state.
        num_reflections: K. With K = H every orthogonal matrix of the same determinant can be reached; with
            fewer, R leaves H − K directions unchanged.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.

    Raises:
        ValueError: an attribute is not a positive integer.

    Source: Mhammedi et al. 2017, "Efficient orthogonal parametrisation of recurrent neural networks using
    Householder reflections", section 3, for R. Arjovsky et al. 2016 and Helfrich et al. 2018, "Orthogonal
    recurrent neural networks with scaled Cayley transform", equation 13, for the activation, modReLU.
    Deviation: each v has H entries that may differ from 0, where theirs has a triangular form.
    """

    features: int
    num_reflections: int = 16
    param_dtype: DTypeLike = float

    passes_h_on: ClassVar[bool] = False
    """h is read through R alone, so recurrent dropout may mask it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features", "num_reflections")

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros, `(*input_shape[:-1], H)`; `rng` is part of Flax's interface and not used."""
        return jnp.zeros((*input_shape[:-1], self.features), self.param_dtype)

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step: `(B, H), (B, F) -> (B, H), (B, H)`."""
        H, dtype = self.features, self.param_dtype
        W = self.param("input_kernel", nn.initializers.lecun_normal(), (x.shape[-1], H), dtype)
        v = self.param("reflections", nn.initializers.normal(1.0), (self.num_reflections, H), dtype)
        b = self.param("bias", nn.initializers.zeros, (H,), dtype)
        h = mod_relu(x @ W + h @ product_of_reflections(v), b)
        return h, h

    # Parts of a step for the fused backward pass (`seqlab.recurrence.fused`).

    @nn.nowrap
    def fold(self, params: Params, dtype: jnp.dtype) -> Params:
        """Return W, b, and R as `recurrent_kernel`."""
        weights = {name: value.astype(dtype) for name, value in params.items()}
        R = product_of_reflections(weights.pop("reflections"))
        return {**weights, "recurrent_kernel": R}

    @nn.nowrap
    def project(self, weights: Params, x: jax.Array) -> jax.Array:
        """Return z = x W for all steps: `(T, B, F) -> (T, B, H)`."""
        return x @ weights["input_kernel"]

    @nn.nowrap
    def advance(self, weights: Params, h: jax.Array, z: jax.Array) -> tuple[jax.Array, None]:
        """Take one step from z = x W, `(B, H), (B, H) -> (B, H)`. There are no residuals besides h."""
        return mod_relu(z + h @ weights["recurrent_kernel"], weights["bias"]), None

    @nn.nowrap
    def linearise(self, before: jax.Array, after: jax.Array, residuals: None) -> jax.Array:
        """Return σ = sign(h_t) for all steps, `(T, B, H)`: ∂h/∂b = σ, and ∂h/∂a = σ²."""
        return jnp.sign(after)

    @nn.nowrap
    def pull(self, recurrent_T: jax.Array, sigma: jax.Array, dh: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step back: δa = δh ⊙ σ², δh_{t−1} = δa Rᵀ. Return δh_{t−1} and δa."""
        da = dh * sigma * sigma
        return da @ recurrent_T, da

    @nn.nowrap
    def collect(
        self, weights: Params, x: jax.Array, before: jax.Array, sigma: jax.Array, da: jax.Array
    ) -> tuple[Params, jax.Array]:
        """Return the cotangents of W, R, b and x, summed over all steps."""
        cotangents = {
            "input_kernel": sum_of_outer_products(x, da),
            "recurrent_kernel": sum_of_outer_products(before, da),
            "bias": jnp.sum(da * sigma, axis=(0, 1)),
        }
        return cotangents, da @ weights["input_kernel"].T


def mod_relu(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return sign(a) ⊙ max(|a| + b, 0)."""
    return jnp.sign(a) * jax.nn.relu(jnp.abs(a) + b)


def product_of_reflections(v: jax.Array) -> jax.Array:
    """Return R = Π_k (I − 2 v_k v_kᵀ / ‖v_k‖²), `(K, H) -> (H, H)`; where v_k is 0, the factor is I.

    Neighbours are multiplied in pairs, log K times, as I − Y Zᵀ with Y and Z `(H, 2ʲ)`:

        (I − Y Zᵀ) (I − Y′ Z′ᵀ) = I − [Y, Y′ − Y Zᵀ Y′] [Z, Z′]ᵀ

    Source: Bischof & Van Loan 1987, "The WY representation for products of Householder matrices".
    """
    K, H = v.shape
    squares = jnp.sum(v * v, axis=-1, keepdims=True)
    u = v * jax.lax.rsqrt(jnp.where(squares > 0, squares, 1))
    Z = jnp.concatenate([u, jnp.zeros((2 ** (K - 1).bit_length() - K, H), v.dtype)])[:, None]
    Y = 2 * Z  # of each factor, (1, H)
    while len(Z) > 1:
        first_Y, Y = Y[::2], Y[1::2]
        first_Z, Z = Z[::2], Z[1::2]
        Y = jnp.concatenate([first_Y, Y - (Y @ first_Z.mT) @ first_Y], axis=1)
        Z = jnp.concatenate([first_Z, Z], axis=1)
    return jnp.eye(H, dtype=v.dtype) - Y[0].T @ Z[0]
