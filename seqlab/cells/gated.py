"""Base class of the cells whose gates keep the state, with chrono initialisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.checks import require_number


class GatedCell(Cell):
    """A cell whose sigmoid gates decide how much of the state is kept.

    Attributes:
        chrono: T_max of the chrono initialisation, the longest expected dependency, at least 2; None turns it
            off. A unit whose gate keeps σ(b) of its state at every step forgets within
            1 / (1 − σ(b)) = 1 + exp(b) steps. Chrono initialisation spreads that time over [2, T_max]:

                b = ±ln u,  u ~ U[1, T_max − 1]

            There is one u for each unit. The sign is + for a gate that keeps the state when open, and − for a
            gate that writes it: b_f = ln u and b_i = −ln u in the LSTM.

    Source: Tallec & Ollivier 2018, "Can recurrent neural networks warp time?". Deviation: the signs follow
    the equation of each cell; the z of our GRU keeps the state.
    """

    chrono: float | None = None

    keeping: ClassVar[Mapping[str, int]] = {}
    """Gates that keep the state (1) and gates that write it (−1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chrono is not None:
            require_number(self, "chrono", 2.0)

    def bias_start(self, key: jax.Array) -> jax.Array:
        bias = super().bias_start(key)
        if self.chrono is None:
            return bias
        H = self.features
        log_u = jnp.log(jax.random.uniform(key, (H,), self.param_dtype, 1.0, self.chrono - 1.0))
        for gate, sign in self.keeping.items():
            first = self.gates.index(gate) * H
            bias = bias.at[first : first + H].set((sign * log_u).astype(bias.dtype))
        return bias
