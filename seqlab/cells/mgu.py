"""The minimal gated unit (MGU)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.gated import GatedCell
from seqlab.cells.gates import sow


class MGU(GatedCell):
    """The minimal gated unit: a GRU with one gate in the role of both.

        f = σ(x_t W_f + h_{t−1} R_f + b_f)
        n = tanh(x_t W_n + (f ⊙ h_{t−1}) R_n + b_n)
        h_t = (1 − f) ⊙ h_{t−1} + f ⊙ n

    The carry and the output are h `(B, H)`.

    Source: Zhou et al. 2016, "Minimal gated unit for recurrent neural networks", eqs. 6–8.
    """

    gates: ClassVar[tuple[str, ...]] = ("f", "n")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("f",)
    keeping: ClassVar[Mapping[str, int]] = {"f": -1}  # an open f writes; for `chrono`
    passes_h_on: ClassVar[bool] = True

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
