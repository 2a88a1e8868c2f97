"""The many-to-one architecture: one prediction after the last step."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from seqlab.architectures.recurrent import Recurrent, last_real
from seqlab.types import Params


@dataclasses.dataclass(frozen=True)
class ManyToOne(Recurrent):
    """A network that reads a sequence and predicts one output from its last real step.

    The outputs of the backward direction of a bidirectional layer are taken where that direction ends, at the
    first step: the readout reads `[forward h_length, backward h_1]`.

    In generation each output is appended to the inputs. Where they are full, the oldest step is removed.
    """

    framing: ClassVar[str] = "many_to_one"

    def readout_inputs(self, hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
        """Select the last real step that each direction reads, `(B, H)`."""
        last = last_real(hidden, lengths)
        if self.bidirectional:
            last = last.at[:, self.cell.features :].set(hidden[:, 0, self.cell.features :])
        return last

    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        _, hidden = self.stack.apply(params["recurrence"], self.encode(params, inputs), lengths)
        return (inputs, lengths), self.read_out(params, self.readout_inputs(hidden, lengths))

    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        inputs, lengths = state
        B, T = inputs.shape[:2]
        ends = jnp.full(B, T) if lengths is None else lengths
        full = (ends == T).reshape(-1, *[1] * (inputs.ndim - 1))
        inputs = jnp.where(full, jnp.roll(inputs, -1, axis=1), inputs)
        inputs = inputs.at[jnp.arange(B), jnp.minimum(ends, T - 1)].set(chosen)
        return self.prefill(params, inputs, None if lengths is None else jnp.minimum(lengths + 1, T))
