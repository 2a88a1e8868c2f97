"""What do all architectures share? They read a spec, recur, and write a spec."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.images import ImageEncoder
from seqlab.checks import require_positive
from seqlab.recurrence import FULL_BACKWARD, NO_CONTROL, Backward
from seqlab.types import Batch, Images, IncompatibleError, Labels, Params, Spec, Tokens, Transcript


@dataclasses.dataclass(frozen=True)
class Network(abc.ABC):
    """A network that reads one spec and writes another.

    Attributes:
        cell: the recurrent cell; `cell.features` is the width of every hidden layer.
        inputs: what stands at one position of the inputs.
        outputs: what stands at one position of the targets.
        num_layers: how many hidden layers.
        embedding: the width of a learned embedding of input tokens, or of what a convolutional network makes
            of images (`ImageEncoder`); None reads tokens one-hot, and of images the pixels side by side.
    """

    cell: Any
    inputs: Spec
    outputs: Spec
    num_layers: int = 1
    embedding: int | None = None

    framing: ClassVar[str]
    """The framing of the batches that it reads: the name by which a task is asked for them."""

    def __post_init__(self) -> None:
        require_positive(self, "num_layers")
        if self.embedding is not None:
            require_positive(self, "embedding")

    @abc.abstractmethod
    def init(self, key: jax.Array, batch: Batch) -> Params:
        """Return fresh parameters for batches shaped like `batch`."""

    @abc.abstractmethod
    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> jax.Array:
        """Predict the targets of a batch.

        Args:
            params: as `init` returns them.
            batch: the examples; the targets are read only where the architecture is fed them.
            key: PRNG key of the dropout masks, in training; None in evaluation.
            probes: as `zero_probes` returns them, to take norms through time; None for none.
            backward: the options of the backward pass, which `check_backward` accepts.

        Returns:
            float `(B, O)` or `(B, T, O)`: values where the output spec is `Vectors`, logits where another.
        """

    def zero_probes(self, params: Params, batch: Batch) -> Any:
        """Return the probes of every recurrent layer; None, as here, where there is none."""
        return None

    def check_backward(self, backward: Backward) -> None:
        """Raise IncompatibleError where the network has no backward pass with these options.

        A network without a recurrence, as here, has none with any.
        """
        if backward.truncation is not None:
            raise IncompatibleError(
                f"training.bptt_window={backward.truncation.window} does not fit "
                f"architecture={self.framing}, where nothing recurs: legal value is null"
            )
        if backward.control != NO_CONTROL:
            name = type(self).__name__
            raise IncompatibleError(
                f"training.clip_recurrent and training.omega must be null for {name}: it has no recurrence"
            )

    def at_stage(self, progress: jax.Array) -> Network:
        """Return the network at a stage of training, for one whose training changes as it goes on.

        Args:
            progress: float32 scalar in [0, 1], the share of the updates that are made.
        """
        return self

    @property
    def free_running(self) -> bool:
        """Whether it is also evaluated on what it predicts from its own outputs in place of the targets."""
        return False

    @property
    def num_inputs(self) -> int:
        """F, the features of one encoded input."""
        return self._width(self.inputs)

    @property
    def num_outputs(self) -> int:
        """O, the features of one output."""
        return self.outputs.size + isinstance(self.outputs, Transcript)

    @property
    def readout(self) -> nn.Dense:
        """The linear map from hidden features to the output spec."""
        return nn.Dense(self.num_outputs)

    def init_ends(self, key: jax.Array, num_hidden: int) -> dict[str, Params]:
        """Return the parameters of the embedding, where inputs have one, and of the readout."""
        key_embedding, key_readout = jax.random.split(key)
        params = {"readout": self.readout.init(key_readout, jnp.zeros((1, num_hidden)))["params"]}
        if self._embeds(self.inputs):
            dtype = jnp.int32 if isinstance(self.inputs, Tokens) else jnp.float32
            inputs = jnp.zeros((1, *self.inputs.shape), dtype)
            params["embedding"] = self._embedding(self.inputs).init(key_embedding, inputs)["params"]
        return params

    def encode(self, params: Params, values: jax.Array) -> jax.Array:
        """Turn tokens `(…)`, vectors or labels `(…, F)`, or images `(…, H, W, C)` into features `(…, F)`."""
        if self._embeds(self.inputs):
            return self._embedding(self.inputs).apply({"params": params["embedding"]}, values)
        return one_hot(self.inputs, values)

    def read_out(self, params: Params, hidden: jax.Array) -> jax.Array:
        """Map hidden features `(…, H)` to outputs `(…, O)`."""
        return self.readout.apply({"params": params["readout"]}, hidden)

    def _embeds(self, spec: Spec) -> bool:
        return self.embedding is not None and isinstance(spec, Tokens | Images)

    def _embedding(self, spec: Spec) -> nn.Embed | ImageEncoder:
        if isinstance(spec, Images):
            return ImageEncoder(self.embedding)
        return nn.Embed(spec.size, self.embedding)

    def _width(self, spec: Spec) -> int:
        return self.embedding if self._embeds(spec) else spec.size


def one_hot(spec: Spec, values: jax.Array) -> jax.Array:
    """Return tokens `(…)` as indicator vectors `(…, size)`, images flattened, and the others as they are."""
    if isinstance(spec, Tokens):
        return jax.nn.one_hot(values, spec.size)
    return values.reshape(*values.shape[: values.ndim - len(spec.shape)], spec.size)


def draw(spec: Spec, key: jax.Array, predictions: jax.Array) -> jax.Array:
    """Draw outputs from predictions `(…, size)`: int32 tokens `(…)`, or labels; vectors are as predicted."""
    if isinstance(spec, Tokens):
        return jax.random.categorical(key, predictions)
    if isinstance(spec, Labels):
        return jax.random.bernoulli(key, jax.nn.sigmoid(predictions)).astype(predictions.dtype)
    return predictions
