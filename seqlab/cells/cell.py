"""What do all cells share? One kernel for the input, one for the recurrence, and how they start."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells import initializers
from seqlab.checks import require_choice, require_number, require_positive
from seqlab.types import Carry


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
    recurrent_scale: float = 1.0
    param_dtype: jnp.dtype = jnp.float32

    gates: ClassVar[tuple[str, ...]] = ("h",)
    """The gates' letters, in the order of the kernels' blocks."""

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

    def bias_start(self) -> jax.Array:
        """Return the initial bias, `(G·H,)`: zeros, unless a cell says otherwise."""
        return jnp.zeros(len(self.gates) * self.features, self.param_dtype)

    def kernels(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Declare the parameters W, R and b for an input `x` of `(…, F)` and return them."""
        num_gates = len(self.gates)
        width = num_gates * self.features
        recurrent_init = initializers.recurrent(self.recurrent_init, self.recurrent_scale, num_gates)
        return (
            self.param(
                "input_kernel", nn.initializers.lecun_normal(), (x.shape[-1], width), self.param_dtype
            ),
            self.param("recurrent_kernel", recurrent_init, (self.features, width), self.param_dtype),
            self.param("bias", lambda key: self.bias_start()),
        )
