"""What do the recurrent architectures share? A stack of layers between the ends, and how they generate."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.architectures.network import Network
from seqlab.checks import require_bool
from seqlab.recurrence import FULL_BACKWARD, Backward, Stack
from seqlab.types import Batch, IncompatibleError, Params, Spec, Tokens


class Part(NamedTuple):
    """A stack of a network, and what it meets on a batch: the arguments of `trajectories`.

    Attributes:
        stack: its layers.
        params: the stack's.
        inputs: what the lowest layer reads, `(B, T, F)`.
        lengths: int32 `(B,)`, or None where every step is real.
        carries: before the first step; None for the cell's own.
        resets: bool `(B, T)`; None for none.
    """

    stack: Stack
    params: Params
    inputs: jax.Array
    lengths: jax.Array | None = None
    carries: Any = None
    resets: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class Recurrent(Network):
    """A network whose hidden layers recur.

    Attributes:
        bidirectional: whether each layer also reads its input backwards.
        dropout: the rate on what each layer reads, and on what the readout does.
        recurrent_dropout: the rate within a layer, one mask for all time steps.
        zoneout: the rate at which the carry stays as it was.
        weight_drop: the rate on the recurrent kernels. All four act in training alone; see `Stack`.
        tied: whether the readout's kernel is the embedding of what it writes, E: its outputs are h Eᵀ + b
            (Press & Wolf 2017, arXiv:1608.05859).

    Raises:
        IncompatibleError: `tied`, but what is written is not embedded, or not as wide as the readout reads.
    """

    bidirectional: bool = False
    dropout: float = dataclasses.field(default=0.0, metadata={"traced": "nonzero"})
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    weight_drop: float = 0.0
    tied: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.stack  # refuses what does not fit
        require_bool(self, "tied")
        if self.tied:
            self._refuse_tying()

    def _refuse_tying(self) -> None:
        """Raise IncompatibleError where no embedding could be the readout's kernel."""
        if self.read_back != self.outputs or not isinstance(self.outputs, Tokens):
            raise IncompatibleError(
                f"architecture.tied=true does not fit {type(self).__name__} that embeds {self.read_back} "
                f"and writes {self.outputs}: legal value is false"
            )
        if self.embedding != self.num_written:
            raise IncompatibleError(
                f"architecture.embedding must be {self.num_written}, what the readout reads, "
                f"where architecture.tied=true, got {self.embedding}"
            )

    @property
    def stack(self) -> Stack:
        """The recurrence."""
        return Stack(
            self.cell,
            self.num_layers,
            self.bidirectional,
            self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            zoneout=self.zoneout,
            weight_drop=self.weight_drop,
        )

    def check_backward(self, backward: Backward) -> None:
        self.stack.check_backward(backward)

    @property
    def num_written(self) -> int:
        """The width of what the readout reads."""
        return self.stack.features

    @property
    def read_back(self) -> Spec | None:
        """What is embedded where the outputs are read back, in free running; None for nothing."""
        return self.inputs

    def table(self, params: Params) -> jax.Array:
        """Return that embedding, a row a token, then those of what is no token."""
        return params["embedding"]["embedding"]

    def init(self, key: jax.Array, batch: Batch) -> Params:
        key_ends, key_stack = jax.random.split(key)
        params = self.init_ends(key_ends, self.num_written)
        return {**params, "recurrence": self.stack.init(key_stack, self.num_inputs)}

    def init_ends(self, key: jax.Array, num_hidden: int) -> dict[str, Params]:
        params = super().init_ends(key, num_hidden)
        if self.tied:
            del params["readout"]["kernel"]
        return params

    def read_out(self, params: Params, hidden: jax.Array) -> jax.Array:
        if not self.tied:
            return super().read_out(params, hidden)
        kernel = self.table(params)[: self.outputs.size].T
        return hidden @ kernel + params["readout"]["bias"]

    def zero_probes(self, params: Params, batch: Batch) -> Any:
        B, T, _ = jax.eval_shape(self.read, params, batch).shape
        return self.stack.zero_probes(params["recurrence"], B, T)

    # What it tells of its layers, which are those of its probes.

    def parts(self, params: Params, batch: Batch, carries: Any = None) -> dict[str, Part]:
        """Return its stacks by what stands before the names of their layers."""
        read = self.read(params, batch)
        return {
            "": Part(self.stack, params["recurrence"], read, batch.lengths, carries, batch.resets),
        }

    def layer_params(self, params: Params) -> Params:
        """Return `{layer: {direction: the cell's}}` of all its layers."""
        return params["recurrence"]

    def ends(self, batch: Batch) -> Any:
        """Return the real steps of each sequence, int32 `(B,)` or None, or a dict of such by layer."""
        return batch.lengths

    def read(self, params: Params, batch: Batch) -> jax.Array:
        """Return what the lowest layer reads, `(B, T, F)`: the encoded inputs, unless said otherwise."""
        return self.encode(params, batch.inputs)

    def written(self, hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
        """Return what the output reads of the top layer's `(B, T, H)`: every step, unless said otherwise."""
        return hidden

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> jax.Array:
        return self.apply_with_carries(None, params, batch, key, probes, backward)[1]

    def apply_with_carries(
        self,
        carries: Any,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> tuple[Any, jax.Array]:
        """Return the final carries and the predictions, given the carries before the first step.

        Args:
            carries: as `initial_carries` returns them; None for those themselves.
            params: as in `apply`, and so is the rest.
            batch: its `resets` are obeyed.
            key: PRNG key.
            probes: zeros.
            backward: the options of the backward pass.
        """
        carries, hidden = self.stack.apply(
            params["recurrence"],
            self.read(params, batch),
            batch.lengths,
            carries,
            key,
            probes,
            batch.resets,
            backward,
        )
        return carries, self.read_out(params, self.written(hidden, batch.lengths))

    def initial_carries(self, params: Params, batch: Batch) -> Any:
        """Return the carries that the sequences of a batch start with, `(B, H)` a leaf."""
        return self.stack.initial_carries(params["recurrence"], self.read(params, batch))

    # Free running: each output is chosen from the prediction and read as the next input.

    @property
    def causal(self) -> bool:
        """Whether no output depends on what a later step reads, so that it can generate."""
        return not self.bidirectional

    @abc.abstractmethod
    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        """Read the inputs and return the running state and the prediction `(B, O)` of what comes next.

        Args:
            params: as `init` returns them.
            inputs: what the architecture reads first, as `Batch.inputs`.
            lengths: int32 `(B,)`, the real steps of sequences; None where every step is real.

        Returns:
            A tree of arrays with a leading axis B, and the prediction.
        """

    @abc.abstractmethod
    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        """Read the output just chosen; return the running state and the prediction of what comes next."""


def last_real(hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
    """Return the last real step `(B, H)` of each sequence `(B, T, H)`."""
    if lengths is None:
        return hidden[:, -1]
    return jnp.take_along_axis(hidden, lengths[:, None, None] - 1, axis=1)[:, 0]
