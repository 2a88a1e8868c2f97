"""The LSTM with coupled input and forget gates (CIFG)."""

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


class CIFG(Cell):
    """The LSTM with coupled input and forget gates.

        [f g o] = x_t W + h_{t−1} R + b
        c_t = σ(f) ⊙ c_{t−1} + (1 − σ(f)) ⊙ tanh(g)
        h_t = σ(o) ⊙ tanh(c_t)

    Attributes:
        chrono: T_max of the chrono initialisation (`gate_bias`), the longest expected dependency, at least 2;
            None turns it off.
        forget_bias_init: initial bias of the forget gate, used without `chrono`. It is only the initial value
            of a parameter; nothing is added in the forward pass.

    Source: Greff et al. 2017, "LSTM: a search space odyssey", CIFG. Deviation: the forget gate is computed
    and i = 1 − f, the same function with the opposite sign of the gate.
    """

    chrono: float | None = None
    forget_bias_init: float = dataclasses.field(default=1.0, metadata={"traced": "initial"})

    gates: ClassVar[tuple[str, ...]] = ("f", "g", "o")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("f", "o")
    keeping: ClassVar[Mapping[str, int]] = {"f": 1}
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
        f, g, o = jnp.split(x @ W + h @ R + b, 3, axis=-1)
        f, o = jax.nn.sigmoid(f), jax.nn.sigmoid(o)
        sow(self, forget=f, output=o)
        c = f * c + (1 - f) * jnp.tanh(g)
        h = o * jnp.tanh(c)
        return (c, h), h
