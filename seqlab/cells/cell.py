"""What do all cells share? One kernel for the input, one for the recurrence, how they start and fold."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells import initializers
from seqlab.checks import require_choice, require_number, require_positive
from seqlab.types import Carry, Params


class Cell(nn.RNNCellBase):
    """A recurrent cell with fused gate kernels, `cell(carry, x) -> (carry, y)`.

    Parameters, all gates side by side in the order of `gates`:
        input_kernel: W `(F, G·H)`.
        recurrent_kernel: R `(H, G·H)`.
        bias: b `(G·H,)`.

    Attributes:
        features: H, the width of the hidden state.
        recurrent_init: how each gate's block of R starts: orthogonal, identity or normal.
        recurrent_scale: the factor on the initial R.
        param_dtype: the parameters' dtype; the computation promotes it with the input's.

    Raises:
        ValueError: an attribute outside its legal values.
    """

    features: int
    recurrent_init: str = "orthogonal"
    recurrent_scale: float = dataclasses.field(default=1.0, metadata={"traced": "initial"})
    param_dtype: jnp.dtype = jnp.float32

    gates: ClassVar[tuple[str, ...]] = ("h",)
    """The gates' letters, in the order of the kernels' blocks."""
    sigmoid_gates: ClassVar[tuple[str, ...]] = ()
    """Those of them that a sigmoid squashes."""
    passes_h_on: ClassVar[bool] = False
    """Whether a step reads h otherwise than through R too: then masking h is not masking what R reads."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features")
        require_choice(self, "recurrent_init", tuple(initializers.BLOCKS))
        require_number(self, "recurrent_scale")

    @property
    def num_feature_axes(self) -> int:
        """The number of trailing axes of an input that hold its features: one."""
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros, `(*input_shape[:-1], H)`; `rng` is taken for Flax's sake and not used."""
        return jnp.zeros((*input_shape[:-1], self.features), self.param_dtype)

    def bias_start(self, key: jax.Array) -> jax.Array:
        """Return the initial bias, `(G·H,)`: zeros, unless a cell says otherwise."""
        return jnp.zeros(len(self.gates) * self.features, self.param_dtype)

    def kernels(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Declare the parameters W, R and b for an input `x` of `(…, F)` and return them."""
        num_gates = len(self.gates)
        width = num_gates * self.features
        input_init = nn.initializers.lecun_normal()
        recurrent_init = initializers.recurrent(self.recurrent_init, self.recurrent_scale, num_gates)
        return (
            self.param("input_kernel", input_init, (x.shape[-1], width), self.param_dtype),
            self.param("recurrent_kernel", recurrent_init, (self.features, width), self.param_dtype),
            self.param("bias", self.bias_start),
        )

    # The step taken apart, for a backward pass written by hand (`seqlab.recurrence.fused`). Throughout, δv is
    # the cotangent ∂L/∂v, and an array of all steps is time-major, `(T, B, …)`.

    @nn.nowrap
    def fold(self, params: Params, dtype: jnp.dtype) -> Params:
        """Return the weights with which one tanh serves every gate, named as the parameters.

            σ(a) = ½ (1 + tanh(a / 2))

        so the columns of the sigmoid gates in W, R and b are halved here, once, and not at every step.
        """
        weights = {name: value.astype(dtype) for name, value in params.items()}
        if not self.sigmoid_gates:
            return weights
        halves = [0.5 if gate in self.sigmoid_gates else 1.0 for gate in self.gates]
        scale = jnp.repeat(jnp.asarray(halves, dtype), self.features)
        kernels = {name: weights[name] * scale for name in ("input_kernel", "recurrent_kernel", "bias")}
        return {**weights, **kernels}

    @nn.nowrap
    def project(self, weights: Params, x: jax.Array) -> jax.Array:
        """Return z = x W + b for all steps: `(T, B, F) -> (T, B, G·H)`."""
        return x @ weights["input_kernel"] + weights["bias"]

    @nn.nowrap
    def collect(
        self, weights: Params, x: jax.Array, before: Carry, coefficients: Any, da: jax.Array
    ) -> tuple[Params, jax.Array]:
        """Return the cotangents of all weights and of x, given δa of a = x W + h_{t−1} R + b for all steps.

            [δW; δR] = Σ_t [x_t h_{t−1}]ᵀ δa_t,  δb = Σ_t δa_t,  δx_t = δa_t Wᵀ

        Args:
            weights: as `fold` returns them.
            x: `(T, B, F)`.
            before: the carries that the steps read, `(T, B, H)` a leaf, h the last.
            coefficients: as `linearise` returns them.
            da: what `pull` returned beside the carry's cotangent, `(T, B, G·H)`.
        """
        h = jax.tree.leaves(before)[-1]
        input_kernel, recurrent_kernel = jnp.split(
            sum_of_outer_products(jnp.concatenate([x, h], axis=-1), da), [x.shape[-1]]
        )
        kernels = {"input_kernel": input_kernel, "recurrent_kernel": recurrent_kernel}
        return {**kernels, "bias": da.sum(axis=(0, 1))}, da @ weights["input_kernel"].T


def sum_of_outer_products(left: jax.Array, right: jax.Array) -> jax.Array:
    """Return Σ_t Σ_b left_tbᵀ right_tb as one matrix product: `(T, B, M), (T, B, N) -> (M, N)`."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
