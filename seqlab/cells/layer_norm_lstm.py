"""The LSTM with layer normalisation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.cells.gate_bias import gate_bias, require_chrono
from seqlab.cells.gates import sow
from seqlab.cells.layer_norm import normalise
from seqlab.checks import require_number
from seqlab.types import Carry


class LayerNormLSTM(Cell):
    """The LSTM with layer normalisation, LN(a) = (a − mean a) / sqrt(var a + ε).

        [i f g o] = α_x ⊙ LN(x_t W) + α_h ⊙ LN(h_{t−1} R) + b
        c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)
        h_t = σ(o) ⊙ tanh(α_c ⊙ LN(c_t) + β_c)

    In addition to the LSTM's parameters there are `input_gain` α_x and `recurrent_gain` α_h `(4·H,)`,
    `memory_gain` α_c and `memory_bias` β_c `(H,)`. The four gates are normalised together.

    Attributes:
        chrono: T_max of the chrono initialisation (`gate_bias`), the longest expected dependency, at least 2;
            None turns it off.
        forget_bias_init: initial bias of the forget gate, used without `chrono`. It is only the initial value
            of a parameter; nothing is added in the forward pass.

    Source: Ba et al. 2016, "Layer normalization", eqs. 20–22. Deviation: the three biases that are only added
    to each other are one, b.
    """

    chrono: float | None = None
    forget_bias_init: float = dataclasses.field(default=1.0, metadata={"traced": "initial"})

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("i", "f", "o")
    keeping: ClassVar[Mapping[str, int]] = {"f": 1, "i": -1}
    num_states: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_chrono(self)
        require_number(self, "forget_bias_init")

    def bias_start(self, key: jax.Array) -> jax.Array:
        return gate_bias(self, key, self.forget_bias_init)

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `((B, H), (B, H)), (B, F) -> ((B, H), (B, H)), (B, H)`."""
        c, h = carry
        W, R, b = self.kernels(x)
        ones, H = nn.initializers.ones, self.features
        alpha_x = self.param("input_gain", ones, (4 * H,), self.param_dtype)
        alpha_h = self.param("recurrent_gain", ones, (4 * H,), self.param_dtype)
        alpha_c = self.param("memory_gain", ones, (H,), self.param_dtype)
        beta_c = self.param("memory_bias", nn.initializers.zeros, (H,), self.param_dtype)
        i, f, g, o = jnp.split(alpha_x * normalise(x @ W) + alpha_h * normalise(h @ R) + b, 4, axis=-1)
        i, f, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jax.nn.sigmoid(o)
        sow(self, input=i, forget=f, output=o)
        c = f * c + i * jnp.tanh(g)
        h = o * jnp.tanh(alpha_c * normalise(c) + beta_c)
        return (c, h), h
