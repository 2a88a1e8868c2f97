"""The many-to-many architecture: one prediction at every step."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax

from seqlab.architectures.recurrent import Recurrent, last_real
from seqlab.types import Params


@dataclasses.dataclass(frozen=True)
class ManyToMany(Recurrent):
    """A network that predicts one output for every input, at the same step."""

    framing: ClassVar[str] = "many_to_many"

    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        carries, hidden = self.stack.apply(params["recurrence"], self.encode(params, inputs), lengths)
        return carries, self.read_out(params, last_real(hidden, lengths))

    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        features = self.encode(params, chosen)[:, None]
        carries, hidden = self.stack.apply(params["recurrence"], features, carries=state)
        return carries, self.read_out(params, hidden[:, 0])
