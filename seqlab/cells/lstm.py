"""What happens in one step of the LSTM?"""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.checks import require_number
from seqlab.types import Carry


class LSTM(Cell):
    """The long short-term memory with a forget gate.

        [i f g o] = x_t W + h_{t−1} R + b
        c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)
        h_t = σ(o) ⊙ tanh(c_t)

    The carry is `(c, h)`, each `(B, H)`, in Flax's order; the output is h. The gates stand in the order
    i f g o, which is PyTorch's and Flax's.

    Attributes:
        forget_bias_init: where the forget gate's bias starts. A start, not a constant added at every step.

    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 for the forget gate; Jozefowicz et al. 2015 for
    its bias of 1.
    """

    forget_bias_init: float = 1.0

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "forget_bias_init")

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        zeros = super().initialize_carry(rng, input_shape)
        return zeros, zeros

    def bias_start(self) -> jax.Array:
        H = self.features
        return super().bias_start().at[H : 2 * H].set(self.forget_bias_init)

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `((B, H), (B, H)), (B, F) -> ((B, H), (B, H)), (B, H)`."""
        c, h = carry
        W, R, b = self.kernels(x)
        i, f, g, o = jnp.split(x @ W + h @ R + b, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (c, h), h
