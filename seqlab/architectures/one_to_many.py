"""The one-to-many architecture: a sequence predicted from one input."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from seqlab.architectures.encoding import Encoding
from seqlab.architectures.recurrent import Recurrent
from seqlab.types import Batch, IncompatibleError, Params, Spec


@dataclasses.dataclass(frozen=True)
class OneToMany(Recurrent):
    """A network that predicts a sequence from one input.

        step 1 reads [x, 0], step t > 1 reads [0, y_{t−1}], every step predicts y_t

    In training y_{t−1} is the target (teacher forcing, Williams & Zipser 1989); in free running it is the
    network's own output. Input and outputs occupy separate features, so their specs may differ. With
    `embedding`, output tokens have an embedding table separate from that of the inputs.

    Raises:
        IncompatibleError: `bidirectional`: the backward direction would read the targets.
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
    def feedback(self) -> Spec:
        return self.outputs

    @property
    def feedback_encoding(self) -> Encoding:
        """The encoding of outputs that are read back."""
        return Encoding(self.outputs, self.embedding)

    def feedback_embedding(self, params: Params) -> jax.Array:
        return params["read_back"]["embedding"]

    @property
    def free_running(self) -> bool:
        return True

    @property
    def num_inputs(self) -> int:
        return self.encoding.features + self.feedback_encoding.features

    def init_ends(self, key: jax.Array) -> dict[str, Params]:
        key, key_feedback = jax.random.split(key)
        params = super().init_ends(key)
        if self.feedback_encoding.is_learned:
            params["read_back"] = self.feedback_encoding.init(key_feedback)
        return params

    def first_layer_inputs(self, params: Params, batch: Batch) -> jax.Array:
        """Return the encoded input, then the encoded targets except the last, `(B, T, F)`."""
        first = self._first_step(params, batch.inputs)[:, None]
        return jnp.concatenate([first, self._later_steps(params, batch.targets[:, :-1])], axis=1)

    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        return self._step(params, None, self._first_step(params, inputs))

    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        return self._step(params, state, self._later_steps(params, chosen))

    def _step(self, params: Params, carries: Any, features: jax.Array) -> tuple[Any, jax.Array]:
        carries, hidden = self.stack.apply(params["recurrence"], features[:, None], carries=carries)
        return carries, self.read_out(params, hidden[:, 0])

    def _first_step(self, params: Params, inputs: jax.Array) -> jax.Array:
        features = self.encode(params, inputs)
        empty = jnp.zeros((*features.shape[:-1], self.feedback_encoding.features), features.dtype)
        return jnp.concatenate([features, empty], axis=-1)

    def _later_steps(self, params: Params, outputs: jax.Array) -> jax.Array:
        features = self.feedback_encoding.apply(params.get("read_back", {}), outputs)
        empty = jnp.zeros((*features.shape[:-1], self.encoding.features), features.dtype)
        return jnp.concatenate([empty, features], axis=-1)
