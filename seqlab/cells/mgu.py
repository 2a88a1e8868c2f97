"""The minimal gated unit (MGU)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.cells.gate_bias import gate_bias, require_chrono
from seqlab.cells.gates import sow


class MGU(Cell):
    """The minimal gated unit: a GRU with one gate in the role of both.

        f = σ(x_t W_f + h_{t−1} R_f + b_f)
        n = tanh(x_t W_n + (f ⊙ h_{t−1}) R_n + b_n)
        h_t = (1 − f) ⊙ h_{t−1} + f ⊙ n

    The carry and the output are h `(B, H)`.

    Attributes:
        chrono: T_max of the chrono initialisation (`gate_bias`), the longest expected dependency, at least 2;
            None turns it off.

    Source: Zhou et al. 2016, "Minimal gated unit for recurrent neural networks", eqs. 6–8.
    """

    chrono: float | None = None

    gates: ClassVar[tuple[str, ...]] = ("f", "n")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("f",)
    keeping: ClassVar[Mapping[str, int]] = {"f": -1}  # an open f writes; for `chrono`
    passes_h_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_chrono(self)

    def bias_start(self, key: jax.Array) -> jax.Array:
        return gate_bias(self, key)

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step: `(B, H), (B, F) -> (B, H), (B, H)`."""
        W, R, b = self.kernels(x)
        H = self.features
        z = x @ W + b
        f = jax.nn.sigmoid(z[..., :H] + h @ R[:, :H])
        sow(self, forget=1 - f)
        n = jnp.tanh(z[..., H:] + (f * h) @ R[:, H:])
        h = (1 - f) * h + f * n
        return h, h
