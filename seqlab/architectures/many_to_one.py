"""Which steps read, which write? Every step reads, the last real one writes."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.architectures.recurrent import Recurrent
from seqlab.types import Params


@dataclasses.dataclass(frozen=True)
class ManyToOne(Recurrent):
    """A network that reads a sequence and writes one output from its last real step.

    A bidirectional layer's backward outputs are taken where that direction ends, at the first step: the
    output reads `[forward h_length, backward h_1]`.

    Running freely, what was written joins the end of the inputs and the oldest step leaves them.
    """

    def written(self, hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
        """Return what the output reads of the top layer's `(B, T, H)`: each direction's last real step."""
        if lengths is None:
            last = hidden[:, -1]
        else:
            last = jnp.take_along_axis(hidden, lengths[:, None, None] - 1, axis=1)[:, 0]
        if self.bidirectional:
            last = last.at[:, self.cell.features :].set(hidden[:, 0, self.cell.features :])
        return last

    def begin(self, params: Params, inputs: jax.Array) -> tuple[Any, jax.Array]:
        _, hidden = self.stack.apply(params["recurrence"], self.encode(params, inputs))
        return inputs, self.read_out(params, self.written(hidden, None))

    def go_on(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        return self.begin(params, jnp.concatenate([state[:, 1:], chosen[:, None]], axis=1))
