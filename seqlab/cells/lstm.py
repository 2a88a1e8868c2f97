"""The long short-term memory (LSTM)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.cells.gate_bias import gate_bias, require_chrono
from seqlab.cells.gates import sow
from seqlab.cells.portable import Counterpart
from seqlab.checks import require_number
from seqlab.types import Carry, Params


class LSTM(Cell):
    """The long short-term memory with a forget gate.

        [i f g o] = x_t W + h_{t−1} R + b
        c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)
        h_t = σ(o) ⊙ tanh(c_t)

    The carry is `(c, h)`, each `(B, H)`, in Flax's order; the output is h. The order of gates is i f g o, as
    in PyTorch and Flax.

    Attributes:
        chrono: T_max of the chrono initialisation (`gate_bias`), the longest expected dependency, at least 2;
            None turns it off.
        forget_bias_init: initial bias of the forget gate, used without `chrono`. It is only the initial value
            of a parameter; nothing is added in the forward pass.

    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 for the forget gate; Jozefowicz et al. 2015 for
    its bias of 1.
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

    @property
    def counterpart(self) -> Counterpart:
        """The cell of other libraries that computes the same."""
        return Counterpart("LSTM")

    def bias_start(self, key: jax.Array) -> jax.Array:
        return gate_bias(self, key, self.forget_bias_init)

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `((B, H), (B, H)), (B, F) -> ((B, H), (B, H)), (B, H)`."""
        c, h = carry
        W, R, b = self.kernels(x)
        i, f, g, o = jnp.split(x @ W + h @ R + b, 4, axis=-1)
        i, f, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jax.nn.sigmoid(o)
        sow(self, input=i, forget=f, output=o)
        c = f * c + i * jnp.tanh(g)
        h = o * jnp.tanh(c)
        return (c, h), h

    @nn.nowrap
    def advance(self, weights: Params, carry: Carry, z: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step from z = x W + b, with one tanh for all gates.

            A = [ĩ f̃ g õ] = tanh(z + h_{t−1} R),  σ(i) = ½ (1 + ĩ), and so on
            c_t = ½ ((1 + f̃) ⊙ c_{t−1} + (1 + ĩ) ⊙ g)
            h_t = ½ (1 + õ) ⊙ tanh(c_t)

        Returns:
            The carry, and the residual A `(B, 4·H)`.
        """
        c, h = carry
        A = jnp.tanh(z + h @ weights["recurrent_kernel"])
        i, f, g, o = jnp.split(A, 4, axis=-1)
        c = 0.5 * ((1 + f) * c + (1 + i) * g)
        h = 0.5 * (1 + o) * jnp.tanh(c)
        return (c, h), A

    @nn.nowrap
    def linearise(self, before: Carry, after: Carry, A: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Return the coefficients of all steps: P `(T, B, 4·H)`, Q and S `(T, B, H)`.

        P = ½ [g  c_{t−1}  1 + ĩ  tanh c_t] ⊙ (1 − A²)
        Q = ∂h_t/∂c_t = ½ (1 + õ) ⊙ (1 − tanh² c_t)
        S = ∂c_t/∂c_{t−1} = ½ (1 + f̃)
        """
        i, f, g, o = jnp.split(A, 4, axis=-1)
        tanh_c = jnp.tanh(after[0])
        P = 0.5 * jnp.concatenate([g, before[0], 1 + i, tanh_c], axis=-1) * (1 - A * A)
        Q = 0.5 * (1 + o) * (1 - tanh_c * tanh_c)
        return P, Q, 0.5 * (1 + f)

    @nn.nowrap
    def pull(self, recurrent_T: jax.Array, coefficients: Any, dcarry: Carry) -> tuple[Carry, jax.Array]:
        """Take one step back.

            δc_t ← δc_t + δh_t ⊙ Q
            δa = [δc_t  δc_t  δc_t  δh_t] ⊙ P
            δc_{t−1} = δc_t ⊙ S,  δh_{t−1} = δa Rᵀ

        Returns:
            (δc_{t−1}, δh_{t−1}) and δa `(B, 4·H)`.
        """
        P, Q, S = coefficients
        dc, dh = dcarry
        dc = dc + dh * Q
        da = jnp.concatenate([dc, dc, dc, dh], axis=-1) * P
        return (dc * S, da @ recurrent_T), da
