"""Which steps read, which write? Every step reads, the last real one writes."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from seqlab.architectures.recurrent import Recurrent, last_real
from seqlab.types import Params


@dataclasses.dataclass(frozen=True)
class ManyToOne(Recurrent):
    """A network that reads a sequence and writes one output from its last real step.

    A bidirectional layer's backward outputs are taken where that direction ends, at the first step: the
    output reads `[forward h_length, backward h_1]`.

    In free running, what was written joins the end of the inputs, and the oldest step leaves them where they
    are full.
    """

    framing: ClassVar[str] = "many_to_one"

    def written(self, hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
        """Return what the output reads of the top layer's `(B, T, H)`: each direction's last real step."""
        last = last_real(hidden, lengths)
        if self.bidirectional:
            last = last.at[:, self.cell.features :].set(hidden[:, 0, self.cell.features :])
        return last

    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        _, hidden = self.stack.apply(params["recurrence"], self.encode(params, inputs), lengths)
        return (inputs, lengths), self.read_out(params, self.written(hidden, lengths))

    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        inputs, lengths = state
        B, T = inputs.shape[:2]
        ends = jnp.full(B, T) if lengths is None else lengths
        full = (ends == T).reshape(-1, *[1] * (inputs.ndim - 1))
        inputs = jnp.where(full, jnp.roll(inputs, -1, axis=1), inputs)
        inputs = inputs.at[jnp.arange(B), jnp.minimum(ends, T - 1)].set(chosen)
        return self.prefill(params, inputs, None if lengths is None else jnp.minimum(lengths + 1, T))
