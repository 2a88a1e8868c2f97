"""Base class of the LSTM and its variants."""

from __future__ import annotations

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.gated import GatedCell
from seqlab.checks import require_number
from seqlab.types import Carry


class MemoryCell(GatedCell):
    """A cell whose carry is `(c, h)`, each `(B, H)`, in Flax's order, and whose output is h.

    Attributes:
        forget_bias_init: initial bias of the forget gate, used without `chrono`. It is only the initial value
            of a parameter; nothing is added in the forward pass.
    """

    forget_bias_init: float = dataclasses.field(default=1.0, metadata={"traced": "initial"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "forget_bias_init")

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        zeros = super().initialize_carry(rng, input_shape)
        return zeros, zeros

    def bias_start(self, key: jax.Array) -> jax.Array:
        bias = super().bias_start(key)
        if self.chrono is not None:
            return bias
        first = self.gates.index("f") * self.features
        return bias.at[first : first + self.features].set(jnp.asarray(self.forget_bias_init, bias.dtype))
