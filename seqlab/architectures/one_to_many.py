"""Which steps read, which write? The first reads the input, every one writes, and reads what was written."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from seqlab.architectures.network import one_hot
from seqlab.architectures.recurrent import Recurrent
from seqlab.types import Batch, IncompatibleError, Params, Spec


@dataclasses.dataclass(frozen=True)
class OneToMany(Recurrent):
    """A network that writes a sequence from one input.

        step 1 reads [x, 0], step t > 1 reads [0, y_{t−1}], every step writes y_t

    In training y_{t−1} is the target (teacher forcing, Williams & Zipser 1989); in free running it is the
    network's own output. Input and outputs occupy separate features, so their specs may differ. With
    `embedding`, output tokens have an embedding table separate from that of the inputs.

    Raises:
        IncompatibleError: `bidirectional`, which would read what it is to write.
    """

    framing: ClassVar[str] = "one_to_many"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional:
            raise IncompatibleError(
                "architecture.bidirectional=true does not fit architecture=one_to_many, which would read "
                "what it is to write: legal value is false"
            )

    @property
    def read_back(self) -> Spec:
        return self.outputs

    def table(self, params: Params) -> jax.Array:
        return params["read_back"]["embedding"]

    @property
    def free_running(self) -> bool:
        return True

    @property
    def num_inputs(self) -> int:
        return self._width(self.inputs) + self._width(self.outputs)

    def init_ends(self, key: jax.Array, num_hidden: int) -> dict[str, Params]:
        key, key_written = jax.random.split(key)
        params = super().init_ends(key, num_hidden)
        if self._embeds(self.outputs):
            table = self._embedding(self.outputs).init(key_written, jnp.zeros((1,), jnp.int32))
            params["read_back"] = table["params"]
        return params

    def read(self, params: Params, batch: Batch) -> jax.Array:
        """Return what the lowest layer reads, `(B, T, F)`: the input, then the targets."""
        first = self._first(params, batch.inputs)[:, None]
        return jnp.concatenate([first, self._later(params, batch.targets[:, :-1])], axis=1)

    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        return self._step(params, None, self._first(params, inputs))

    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        return self._step(params, state, self._later(params, chosen))

    def _step(self, params: Params, carries: Any, features: jax.Array) -> tuple[Any, jax.Array]:
        carries, hidden = self.stack.apply(params["recurrence"], features[:, None], carries=carries)
        return carries, self.read_out(params, hidden[:, 0])

    def _first(self, params: Params, inputs: jax.Array) -> jax.Array:
        features = self.encode(params, inputs)
        nothing = jnp.zeros((*features.shape[:-1], self._width(self.outputs)))
        return jnp.concatenate([features, nothing], axis=-1)

    def _later(self, params: Params, written: jax.Array) -> jax.Array:
        if self._embeds(self.outputs):
            features = self._embedding(self.outputs).apply({"params": params["read_back"]}, written)
        else:
            features = one_hot(self.outputs, written)
        nothing = jnp.zeros((*features.shape[:-1], self._width(self.inputs)))
        return jnp.concatenate([nothing, features], axis=-1)
