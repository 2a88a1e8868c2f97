"""The LSTM with coupled input and forget gates (CIFG)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.gates import sow
from seqlab.cells.memory import MemoryCell
from seqlab.types import Carry


class CIFG(MemoryCell):
    """The LSTM with coupled input and forget gates.

        [f g o] = x_t W + h_{t−1} R + b
        c_t = σ(f) ⊙ c_{t−1} + (1 − σ(f)) ⊙ tanh(g)
        h_t = σ(o) ⊙ tanh(c_t)

    Source: Greff et al. 2017, "LSTM: a search space odyssey", CIFG. Deviation: the forget gate is computed
    and i = 1 − f, the same function with the opposite sign of the gate.
    """

    gates: ClassVar[tuple[str, ...]] = ("f", "g", "o")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("f", "o")
    keeping: ClassVar[Mapping[str, int]] = {"f": 1}

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `((B, H), (B, H)), (B, F) -> ((B, H), (B, H)), (B, H)`."""
        c, h = carry
        W, R, b = self.kernels(x)
        f, g, o = jnp.split(x @ W + h @ R + b, 3, axis=-1)
        f, o = jax.nn.sigmoid(f), jax.nn.sigmoid(o)
        sow(self, forget=f, output=o)
        c = f * c + (1 - f) * jnp.tanh(g)
        h = o * jnp.tanh(c)
        return (c, h), h
