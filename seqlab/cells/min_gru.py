"""The minimal GRU (minGRU)."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.linear import LinearCell
from seqlab.types import Params


class MinGRU(LinearCell):
    """The minimal GRU, whose gate and candidate read the input only.

        z = σ(x_t W_z + b_z),  n = x_t W_n + b_n
        h_t = (1 − z) ⊙ h_{t−1} + z ⊙ n

    The carry and the output are h `(B, H)`.

    Source: Feng et al. 2024, "Were RNNs all we needed?", section 3.1. Deviation: sums are not computed in
    log space, so n may have either sign.
    """

    gates: ClassVar[tuple[str, ...]] = ("z", "n")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("z",)

    @nn.nowrap
    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        z, n = jnp.split(x @ weights["input_kernel"] + weights["bias"], 2, axis=-1)
        return jax.nn.sigmoid(-z), jax.nn.sigmoid(z) * n
