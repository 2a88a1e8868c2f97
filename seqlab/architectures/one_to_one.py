"""The one-to-one architecture: a feed-forward network to compare recurrent ones with."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.encoding import Encoding
from seqlab.architectures.layers import apply_layer, dense, init_layer
from seqlab.architectures.readout import Readout
from seqlab.checks import require_positive
from seqlab.recurrence import FULL_BACKWARD, NO_CONTROL, Backward
from seqlab.recurrence.protocols import RecurrentCell
from seqlab.recurrence.steps import mask_rows, real_steps
from seqlab.types import Batch, IncompatibleError, Params, Spec


@dataclasses.dataclass(frozen=True)
class OneToOne:
    """A feed-forward network that reads all steps of a sequence at once and predicts one output.

        h_0 = [x_1 … x_T],  h_i = tanh(h_{i−1} W_i + b_i),  y = h_n W + b

    Padding is read as zeros. Of the cell only the width is used.

    Attributes:
        cell: the cell whose `features` are the width of every hidden layer.
        inputs: what stands at one position of the inputs.
        outputs: what stands at one position of the targets.
        num_layers: n, the number of hidden layers.
        embedding: the width of the encoding of one input (`Encoding`).
    """

    cell: RecurrentCell
    inputs: Spec
    outputs: Spec
    num_layers: int = 1
    embedding: int | None = None

    framing: ClassVar[str] = "one_to_one"

    def __post_init__(self) -> None:
        require_positive(self, "num_layers")
        if self.embedding is not None:
            require_positive(self, "embedding")

    def init(self, key: jax.Array, batch: Batch) -> Params:
        """Return new parameters for batches shaped like `batch`."""
        key_embedding, key_readout = jax.random.split(jax.random.fold_in(key, 0))
        params = {"readout": self._readout.init(key_readout, self.cell.features)}
        if self._encoding.is_learned:
            params["embedding"] = self._encoding.init(key_embedding)
        hidden = self._side_by_side(params, batch)
        for index in range(self.num_layers):
            params[f"layer_{index}"] = init_layer(self._dense, jax.random.fold_in(key, 1 + index), hidden)
            hidden = apply_layer(self._dense, params[f"layer_{index}"], hidden)
        return params

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: None = None,
        backward: Backward = FULL_BACKWARD,
    ) -> jax.Array:
        """Predict the targets of a batch; see `Network.apply`."""
        hidden = self._side_by_side(params, batch)
        for index in range(self.num_layers):
            hidden = jnp.tanh(apply_layer(self._dense, params[f"layer_{index}"], hidden))
        return self._readout.apply(params["readout"], hidden)

    def zero_probes(self, params: Params, batch: Batch) -> None:
        """Return None: there is no recurrent layer to probe."""

    def check_backward(self, backward: Backward) -> None:
        """Raise IncompatibleError where an option of the backward pass is given: nothing recurs."""
        if backward.truncation is not None:
            raise IncompatibleError(
                f"training.bptt_window={backward.truncation.window} does not fit "
                f"architecture={self.framing}, where nothing recurs: legal value is null"
            )
        backend = None if backward.backend == "scan" else f"backend={backward.backend}"
        key = "memory=chunked" if backward.chunked else backend
        if key is not None:
            raise IncompatibleError(
                f"recurrence.{key} does not fit architecture={self.framing}, where nothing recurs: "
                "legal value is auto"
            )
        if backward.control != NO_CONTROL:
            name = type(self).__name__
            raise IncompatibleError(
                f"training.clip_recurrent and training.omega must be null for {name}: it has no recurrence"
            )

    def at_stage(self, progress: jax.Array) -> OneToOne:
        """Return the network itself."""
        return self

    @property
    def free_running(self) -> bool:
        """Whether it is also evaluated on its own outputs: no, it does not read any."""
        return False

    @property
    def _encoding(self) -> Encoding:
        return Encoding(self.inputs, self.embedding)

    @property
    def _readout(self) -> Readout:
        return Readout(self.outputs)

    @property
    def _dense(self) -> nn.Dense:
        return dense(self.cell.features)

    def _side_by_side(self, params: Params, batch: Batch) -> jax.Array:
        """Join the features of all steps, `(B, T, F) -> (B, T·F)`, with zeros for padding."""
        features = self._encoding.apply(params.get("embedding", {}), batch.inputs)
        if batch.lengths is not None:
            features = mask_rows(real_steps(batch.lengths, features.shape[1]), features)
        return features.reshape(features.shape[0], -1)
