"""Which steps read, which write? Every step reads, the last real one writes."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.architectures.recurrent import Recurrent
from seqlab.recurrence import Truncation
from seqlab.types import Batch, Params


@dataclasses.dataclass(frozen=True)
class ManyToOne(Recurrent):
    """A network that reads a sequence and writes one output from its last real step.

    A bidirectional layer's backward outputs are taken where that direction ends, at the first step: the
    output reads `[forward h_length, backward h_1]`.

    Running freely, what was written joins the end of the inputs and the oldest step leaves them.
    """

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        taps: Any = None,
        truncation: Truncation | None = None,
    ) -> jax.Array:
        return self._predict(params, batch.inputs, batch.lengths, key, taps, truncation)

    def begin(self, params: Params, inputs: jax.Array) -> tuple[Any, jax.Array]:
        return inputs, self._predict(params, inputs)

    def go_on(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        return self.begin(params, jnp.concatenate([state[:, 1:], chosen[:, None]], axis=1))

    def _predict(
        self,
        params: Params,
        inputs: jax.Array,
        lengths: jax.Array | None = None,
        key: jax.Array | None = None,
        taps: Any = None,
        truncation: Truncation | None = None,
    ) -> jax.Array:
        features = self.encode(params, inputs)
        _, hidden = self.stack.apply(
            params["recurrence"], features, lengths, key=key, taps=taps, truncation=truncation
        )
        if lengths is None:
            last = hidden[:, -1]
        else:
            last = jnp.take_along_axis(hidden, lengths[:, None, None] - 1, axis=1)[:, 0]
        if self.bidirectional:
            last = last.at[:, self.cell.features :].set(hidden[:, 0, self.cell.features :])
        return self.read_out(params, last)
