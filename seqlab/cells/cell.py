"""Base class of the cells with fused gate kernels."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

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
        recurrent_init: initialisation of each gate's block of R: orthogonal, identity or normal.
        recurrent_scale: factor on the initial R.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.
            Computations promote it with the dtype of the input.

    Raises:
        ValueError: an attribute is outside its legal values.
    """

    features: int
    recurrent_init: str = "orthogonal"
    recurrent_scale: float = dataclasses.field(default=1.0, metadata={"traced": "initial"})
    param_dtype: DTypeLike = float

    gates: ClassVar[tuple[str, ...]] = ("h",)
    """Letters of the gates, in the order of the blocks of the kernels."""
    sigmoid_gates: ClassVar[tuple[str, ...]] = ()
    """Letters of the gates with a sigmoid activation."""
    num_states: ClassVar[int] = 1
    """Number of states in the carry: 1 if it is h, 2 if it is `(c, h)`, in Flax's order."""
    passes_h_on: ClassVar[bool] = False
    """Whether a step also reads h without R; if so, masking h is not the same as masking the input of R."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features")
        require_choice(self, "recurrent_init", tuple(initializers.BLOCKS))
        require_number(self, "recurrent_scale")

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros, `(*input_shape[:-1], H)` for each state; `rng` is part of Flax's interface."""
        zeros = jnp.zeros((*input_shape[:-1], self.features), self.param_dtype)
        return zeros if self.num_states == 1 else (zeros,) * self.num_states

    def bias_start(self, key: jax.Array) -> jax.Array:
        """Return the initial bias, `(G·H,)`: zeros, unless a subclass overrides this."""
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

    # Parts of a step for the fused backward pass (`seqlab.recurrence.fused`). δv is the cotangent ∂L/∂v, and
    # arrays of all steps are time-major, `(T, B, …)`.

    @nn.nowrap
    def fold(self, params: Params, dtype: jnp.dtype) -> Params:
        """Return weights with which one tanh computes every gate, by the names of the parameters.

            σ(a) = ½ (1 + tanh(a / 2))

        The columns of the sigmoid gates in W, R and b are halved here once, instead of at every step.
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
            before: carries before the steps; each leaf `(T, B, H)`, h is the last leaf.
            coefficients: as returned by `linearise`.
            da: the second result of `pull`, `(T, B, G·H)`.
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
