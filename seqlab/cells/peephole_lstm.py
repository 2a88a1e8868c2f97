"""The LSTM with peephole connections."""

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
from seqlab.checks import require_number
from seqlab.types import Carry


class PeepholeLSTM(Cell):
    """The LSTM with peephole connections.

        [i f g o] = x_t W + h_{t−1} R + b
        c_t = σ(f + c_{t−1} ⊙ p_f) ⊙ c_{t−1} + σ(i + c_{t−1} ⊙ p_i) ⊙ tanh(g)
        h_t = σ(o + c_t ⊙ p_o) ⊙ tanh(c_t)

    In addition to the LSTM's parameters there is `peepholes` [p_i p_f p_o] `(3·H,)`. It starts at zero, so
    the cell starts as an LSTM.

    Attributes:
        chrono: T_max of the chrono initialisation (`gate_bias`), the longest expected dependency, at least 2;
            None turns it off.
        forget_bias_init: initial bias of the forget gate, used without `chrono`. It is only the initial value
            of a parameter; nothing is added in the forward pass.

    Source: Gers et al. 2002, "Learning precise timing with LSTM recurrent networks"; Graves 2013, eqs. 7–11.
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
        p = self.param("peepholes", nn.initializers.zeros, (3 * self.features,), self.param_dtype)
        p_i, p_f, p_o = jnp.split(p, 3)
        i, f, g, o = jnp.split(x @ W + h @ R + b, 4, axis=-1)
        i, f = jax.nn.sigmoid(i + c * p_i), jax.nn.sigmoid(f + c * p_f)
        c = f * c + i * jnp.tanh(g)
        o = jax.nn.sigmoid(o + c * p_o)
        sow(self, input=i, forget=f, output=o)
        h = o * jnp.tanh(c)
        return (c, h), h
