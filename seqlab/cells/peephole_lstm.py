"""The LSTM with peephole connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.gates import sow
from seqlab.cells.memory import MemoryCell
from seqlab.types import Carry


class PeepholeLSTM(MemoryCell):
    """The LSTM with peephole connections.

        [i f g o] = x_t W + h_{t−1} R + b
        c_t = σ(f + c_{t−1} ⊙ p_f) ⊙ c_{t−1} + σ(i + c_{t−1} ⊙ p_i) ⊙ tanh(g)
        h_t = σ(o + c_t ⊙ p_o) ⊙ tanh(c_t)

    In addition to the LSTM's parameters there is `peepholes` [p_i p_f p_o] `(3·H,)`. It starts at zero, so
    the cell starts as an LSTM.

    Source: Gers et al. 2002, "Learning precise timing with LSTM recurrent networks"; Graves 2013, eqs. 7–11.
    """

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("i", "f", "o")
    keeping: ClassVar[Mapping[str, int]] = {"f": 1, "i": -1}

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
