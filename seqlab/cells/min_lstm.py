"""The minimal LSTM (minLSTM)."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.linear import LinearCell
from seqlab.types import Params


class MinLSTM(LinearCell):
    """The minimal LSTM, whose gates and candidate read the input only, and whose gates add up to one.

        f = σ(x_t W_f + b_f),  i = σ(x_t W_i + b_i),  n = x_t W_n + b_n
        h_t = f / (f + i) ⊙ h_{t−1} + i / (f + i) ⊙ n

    The carry and the output are h `(B, H)`.

    Source: Feng et al. 2024, "Were RNNs all we needed?", section 3.2, with length independence.
    Deviation: sums are not computed in log space, so n may have either sign.
    """

    gates: ClassVar[tuple[str, ...]] = ("f", "i", "n")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("f", "i")

    @nn.nowrap
    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        f, i, n = jnp.split(x @ weights["input_kernel"] + weights["bias"], 3, axis=-1)
        # f / (f + i) = σ(log f − log i), which cannot become 0 / 0 for small gates.
        odds = jax.nn.log_sigmoid(f) - jax.nn.log_sigmoid(i)
        return jax.nn.sigmoid(odds), jax.nn.sigmoid(-odds) * n
