"""Abstract base of the recurrent architectures: an encoding, a stack of layers and a readout."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from seqlab.architectures.encoding import Encoding
from seqlab.architectures.readout import Readout
from seqlab.checks import require_bool, require_choice, require_positive
from seqlab.recurrence import FULL_BACKWARD, Backward, Block, Stack
from seqlab.recurrence.block import BLOCKS
from seqlab.recurrence.protocols import RecurrentCell
from seqlab.recurrence.stack import Carries
from seqlab.recurrence.trajectory import StackInputs
from seqlab.types import Batch, IncompatibleError, Params, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class Recurrent(abc.ABC):
    """A network with recurrent hidden layers; it has the members of `Network`.

    Attributes:
        cell: the recurrent cell; `cell.features` is the width of every hidden layer.
        inputs: what stands at one position of the inputs.
        outputs: what stands at one position of the targets.
        num_layers: the number of hidden layers.
        embedding: the width of the encoding of one token or image (`Encoding`).
        bidirectional: whether each layer also reads its input backwards.
        dropout: the rate on the inputs of each layer and of the readout.
        recurrent_dropout: the rate within a layer, with one mask for all time steps.
        zoneout: the rate at which the carry keeps its old value.
        weight_drop: the rate on the recurrent kernels. All four act only in training; see `Stack`.
        block: what surrounds each layer: plain, residual, pre_norm or pre_norm_mlp (`Block`).
        norm: the norm of the block: rms_norm or layer_norm.
        expand: the hidden width of the block's gated MLP, as a multiple of the width of the stack.
        stochastic_depth: the rate of leaving out the top layer in training, and lower ones in proportion.
        input_conv: the steps that a causal convolution before the layers reads (`InputConv`), or None.
        num_params: the number of parameters that chose `cell.features`; None where none did.
        target_state_size: the size of the state that chose `cell.features`; None where none did.
        tied: whether the kernel of the readout is the embedding of the outputs (`Readout`).

    Raises:
        ValueError: an attribute outside its legal values.
        IncompatibleError: `tied`, but the outputs are not embedded, or with another width than the readout
            reads.
    """

    cell: RecurrentCell
    inputs: Spec
    outputs: Spec
    num_layers: int = 1
    embedding: int | None = None
    bidirectional: bool = False
    dropout: float = dataclasses.field(default=0.0, metadata={"traced": "nonzero"})
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    weight_drop: float = 0.0
    block: str = "plain"
    norm: str = "rms_norm"
    expand: float = 2.0
    stochastic_depth: float = 0.0
    input_conv: int | None = None
    num_params: int | None = None
    target_state_size: int | None = None
    tied: bool = False

    framing: ClassVar[str]

    def __post_init__(self) -> None:
        require_positive(self, "num_layers")
        for name in ("embedding", "num_params", "target_state_size"):
            if getattr(self, name) is not None:
                require_positive(self, name)
        require_choice(self, "block", BLOCKS)
        _ = self.stack  # checks its fields
        require_bool(self, "tied")
        if self.tied:
            self._check_tying()

    def _check_tying(self) -> None:
        """Raise IncompatibleError where no embedding could be the readout's kernel."""
        if self.feedback != self.outputs or not isinstance(self.outputs, Tokens):
            raise IncompatibleError(
                f"architecture.tied=true does not fit {type(self).__name__} that embeds {self.feedback} "
                f"and writes {self.outputs}: legal value is false"
            )
        if self.embedding != self.readout_features:
            raise IncompatibleError(
                f"architecture.embedding must be {self.readout_features}, what the readout reads, "
                f"where architecture.tied=true, got {self.embedding}"
            )

    # Parts.

    @property
    def stack(self) -> Stack:
        """The recurrent layers."""
        return Stack(
            self.cell,
            self.num_layers,
            self.bidirectional,
            self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            zoneout=self.zoneout,
            weight_drop=self.weight_drop,
            block=Block(self.block, self.norm, self.expand, self.stochastic_depth),
            input_conv=self.input_conv,
        )

    @property
    def state_size(self) -> int:
        """The number of elements of the carries of one sequence, over all layers."""
        return self.stack.state_size

    @property
    def encoding(self) -> Encoding:
        """The encoding of the inputs."""
        return Encoding(self.inputs, self.embedding)

    @property
    def readout(self) -> Readout:
        """The map from hidden features to predictions."""
        return Readout(self.outputs, self.tied)

    @property
    def readout_features(self) -> int:
        """The number of features that the readout reads."""
        return self.stack.features

    @property
    def num_inputs(self) -> int:
        """F, the number of features that the lowest layer reads."""
        return self.encoding.features

    @property
    def feedback(self) -> Spec:
        """The spec whose embedding serves outputs that are read back as inputs."""
        return self.inputs

    def feedback_embedding(self, params: Params) -> jax.Array:
        """Return that embedding: one row for each token, then any further rows."""
        return params["embedding"]["embedding"]

    # Training.

    def init(self, key: jax.Array, batch: Batch) -> Params:
        """Return new parameters for batches shaped like `batch`."""
        key_ends, key_stack = jax.random.split(key)
        params = self.init_ends(key_ends)
        return {**params, "recurrence": self.stack.init(key_stack, self.num_inputs)}

    def init_ends(self, key: jax.Array) -> dict[str, Params]:
        """Return the parameters of the encoding, where it is learned, and of the readout."""
        key_embedding, key_readout = jax.random.split(key)
        params = {"readout": self.readout.init(key_readout, self.readout_features)}
        if self.encoding.is_learned:
            params["embedding"] = self.encoding.init(key_embedding)
        return params

    def encode(self, params: Params, values: jax.Array) -> jax.Array:
        """Map inputs to features `(…, F)`."""
        return self.encoding.apply(params.get("embedding", {}), values)

    def read_out(self, params: Params, hidden: jax.Array) -> jax.Array:
        """Map hidden features `(…, H)` to predictions `(…, O)`."""
        embedding = self.feedback_embedding(params) if self.tied else None
        return self.readout.apply(params["readout"], hidden, embedding)

    def first_layer_inputs(self, params: Params, batch: Batch) -> jax.Array:
        """Return what the lowest layer reads, `(B, T, F)`: by default the encoded inputs."""
        return self.encode(params, batch.inputs)

    def readout_inputs(self, hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
        """Select what the readout reads of the top layer's `(B, T, H)`: by default every step."""
        return hidden

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> jax.Array:
        """Predict the targets of a batch; see `Network.apply`."""
        return self.apply_with_carries(None, params, batch, key, probes, backward)[1]

    def apply_with_carries(
        self,
        carries: Carries | None,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> tuple[Carries, jax.Array]:
        """Predict the targets of a batch whose sequences continue earlier ones.

        Args:
            carries: the carries before the first step, as returned for the batch before; None for those of
                `initial_carries`.
            params: as in `apply`, like the following arguments.
            batch: the examples; carries are reset where its `resets` are True.
            key: PRNG key.
            probes: zeros.
            backward: the options of the backward pass.

        Returns:
            The final carries, and the predictions.
        """
        carries, hidden = self.stack.apply(
            params["recurrence"],
            self.first_layer_inputs(params, batch),
            batch.lengths,
            carries,
            key,
            probes,
            batch.resets,
            backward,
        )
        return carries, self.read_out(params, self.readout_inputs(hidden, batch.lengths))

    def initial_carries(self, params: Params, batch: Batch) -> Carries:
        """Return the carries before the first step, `(B, …)` a leaf."""
        return self.stack.initial_carries(params["recurrence"], self.first_layer_inputs(params, batch))

    def check_backward(self, backward: Backward) -> None:
        """Raise IncompatibleError where the network has no backward pass with these options."""
        self.stack.check_backward(backward)

    def at_stage(self, progress: jax.Array) -> Recurrent:
        """Return the network at a stage of training; by default itself."""
        return self

    @property
    def free_running(self) -> bool:
        """Whether it is also evaluated on what it predicts from its own outputs; by default not."""
        return False

    # Diagnostics, by layer. The names of the layers are those of the probes.

    def zero_probes(self, params: Params, batch: Batch) -> Any:
        """Return the probes of every recurrent layer."""
        B, T, _ = jax.eval_shape(self.first_layer_inputs, params, batch).shape
        return self.stack.zero_probes(params["recurrence"], B, T)

    def stack_inputs(
        self, params: Params, batch: Batch, carries: Carries | None = None
    ) -> dict[str, StackInputs]:
        """Return what each stack reads, by the prefix of its layers' names."""
        inputs = self.first_layer_inputs(params, batch)
        return {
            "": StackInputs(self.stack, params["recurrence"], inputs, batch.lengths, carries, batch.resets)
        }

    def layer_params(self, params: Params) -> Params:
        """Return the cells' parameters, `{layer: {direction: params}}`."""
        return params["recurrence"]

    def layer_lengths(self, batch: Batch) -> Any:
        """Return the real steps of each sequence, int32 `(B,)` or None; a dict by layer where they differ."""
        return batch.lengths

    # Generation: each output is chosen from a prediction and read back as the next input.

    @property
    def causal(self) -> bool:
        """Whether no output depends on the input of a later step, so that the network can generate."""
        return not self.bidirectional

    @abc.abstractmethod
    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        """Read the inputs, and return the decoding state and the prediction `(B, O)` of the next output.

        Args:
            params: as `init` returns them.
            inputs: as `Batch.inputs`.
            lengths: int32 `(B,)`, the real steps of sequences; None where every step is real.

        Returns:
            A tree of arrays with a leading axis B, and the prediction.
        """

    @abc.abstractmethod
    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        """Read the chosen output `(B,)` or `(B, O)`; return the state and the prediction of the next one."""


def last_real(hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
    """Return the last real step `(B, H)` of each sequence `(B, T, H)`."""
    if lengths is None:
        return hidden[:, -1]
    return jnp.take_along_axis(hidden, lengths[:, None, None] - 1, axis=1)[:, 0]
