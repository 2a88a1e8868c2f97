"""Which steps read, which write? One input, one output: the feed-forward network to compare with."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.network import Network
from seqlab.recurrence import FULL_BACKWARD, Backward
from seqlab.recurrence.steps import real_steps
from seqlab.types import Batch, Params


@dataclasses.dataclass(frozen=True)
class OneToOne(Network):
    """A feed-forward network that sees a whole sequence at once, side by side, and writes one output.

        h_0 = [x_1 … x_T],  h_i = tanh(h_{i−1} W_i + b_i),  y = h_n W + b

    Padding is read as zeros. The cell lends its width only: there is no recurrence.
    """

    framing: ClassVar[str] = "one_to_one"

    def init(self, key: jax.Array, batch: Batch) -> Params:
        params = self.init_ends(jax.random.fold_in(key, 0), self.cell.features)
        hidden = self._side_by_side(params, batch)
        for index in range(self.num_layers):
            dense = nn.Dense(self.cell.features)
            params[f"layer_{index}"] = dense.init(jax.random.fold_in(key, 1 + index), hidden)["params"]
            hidden = dense.apply({"params": params[f"layer_{index}"]}, hidden)
        return params

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: None = None,
        backward: Backward = FULL_BACKWARD,
    ) -> jax.Array:
        hidden = self._side_by_side(params, batch)
        for index in range(self.num_layers):
            dense = nn.Dense(self.cell.features)
            hidden = jnp.tanh(dense.apply({"params": params[f"layer_{index}"]}, hidden))
        return self.read_out(params, hidden)

    def _side_by_side(self, params: Params, batch: Batch) -> jax.Array:
        """Join the features of all steps, `(B, T, F) -> (B, T·F)`, those of padding zeroed."""
        features = self.encode(params, batch.inputs)
        if batch.lengths is not None:
            features = jnp.where(real_steps(batch.lengths, features.shape[1])[..., None], features, 0.0)
        return features.reshape(features.shape[0], -1)
