"""Which steps read, which write? Every step reads, and every step writes."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from seqlab.architectures.recurrent import Recurrent
from seqlab.recurrence import Truncation
from seqlab.types import Batch, Params


@dataclasses.dataclass(frozen=True)
class ManyToMany(Recurrent):
    """A network that writes one output for every input, in step with it."""

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        taps: Any = None,
        truncation: Truncation | None = None,
    ) -> jax.Array:
        return self.apply_from(None, params, batch, key, taps, truncation)[1]

    def apply_from(
        self,
        carries: Any,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        taps: Any = None,
        truncation: Truncation | None = None,
    ) -> tuple[Any, jax.Array]:
        """Return the final carries and what `apply` does, from the carries that a batch before left.

        Args:
            carries: as `initial_carries` returns them; None for those themselves.
            params: as in `apply`, and so is the rest.
            batch: its `resets` are obeyed.
            key: PRNG key.
            taps: zeros.
            truncation: how far back through time gradients go.
        """
        carries, hidden = self.stack.apply(
            params["recurrence"],
            self.read(params, batch),
            batch.lengths,
            carries,
            key,
            taps,
            batch.resets,
            truncation,
        )
        return carries, self.read_out(params, hidden)

    def initial_carries(self, params: Params, batch: Batch) -> Any:
        """Return the carries that the sequences of a batch start with, `(B, H)` a leaf."""
        return self.stack.initial_carries(params["recurrence"], self.read(params, batch))

    def begin(self, params: Params, inputs: jax.Array) -> tuple[Any, jax.Array]:
        carries, hidden = self.stack.apply(params["recurrence"], self.encode(params, inputs))
        return carries, self.read_out(params, hidden[:, -1])

    def go_on(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        features = self.encode(params, chosen)[:, None]
        carries, hidden = self.stack.apply(params["recurrence"], features, carries=state)
        return carries, self.read_out(params, hidden[:, 0])
