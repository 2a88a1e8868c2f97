"""What do cells share whose gates keep the state? A start at which they remember for as long as is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.checks import require_number


class GatedCell(Cell):
    """A cell whose sigmoid gates say how much of the state is kept.

    Attributes:
        chrono: T_max, the longest dependency expected, at least 2; None starts the biases as the cell
            otherwise does. A unit whose gate keeps σ(b) of its state at every step forgets within
            1 / (1 − σ(b)) = 1 + exp(b) steps, and chrono initialisation spreads that time over [2, T_max]:

                b = ±ln u,  u ~ U[1, T_max − 1]

            with one u for a unit, + where an open gate keeps the state and − where it writes: for the LSTM
            b_f = ln u and b_i = −ln u.

    Source: Tallec & Ollivier 2018, "Can recurrent neural networks warp time?", for the chrono
    initialization. Deviation: the signs follow each cell's own equation, as for the GRU's z, which keeps.
    """

    chrono: float | None = None

    keeping: ClassVar[Mapping[str, int]] = {}
    """The gates that keep the state, with 1, and those that write it, with −1."""

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
            bias = bias.at[first : first + H].set(sign * log_u)
        return bias
