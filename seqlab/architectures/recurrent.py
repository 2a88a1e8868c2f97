"""What do the recurrent architectures share? A stack of layers between the ends, and how to run freely."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.architectures.network import Network
from seqlab.recurrence import NO_REMEDIES, Remedies, Stack, Truncation
from seqlab.types import Batch, ConfigError, Params, Tokens


@dataclasses.dataclass(frozen=True)
class Recurrent(Network):
    """A network whose hidden layers recur.

    Attributes:
        bidirectional: whether each layer also reads its input backwards.
        dropout: the rate between layers.
        recurrent_dropout: the rate within a layer, one mask for all time steps.
        zoneout: the rate at which the carry stays as it was.
        weight_drop: the rate on the recurrent kernels. All four act in training alone; see `Stack`.
        remedies: what acts on the backward pass; not a config key, set by `going_back`, like the next.
        truncation: how far back through time gradients go; None for all the way.
    """

    bidirectional: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    weight_drop: float = 0.0
    remedies: Remedies = NO_REMEDIES
    truncation: Truncation | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.stack  # refuses what does not fit

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
            remedies=self.remedies,
        )

    def going_back(self, remedies: Remedies, truncation: Truncation | None = None) -> Recurrent:
        return dataclasses.replace(self, remedies=remedies, truncation=truncation)

    def init(self, key: jax.Array, batch: Batch) -> Params:
        key_ends, key_stack = jax.random.split(key)
        params = self.init_ends(key_ends, self.stack.features)
        return {**params, "recurrence": self.stack.init(key_stack, self.num_inputs)}

    def zero_taps(self, params: Params, batch: Batch) -> Any:
        B, T, _ = jax.eval_shape(self.read, params, batch).shape
        return self.stack.zero_taps(params["recurrence"], B, T)

    def read(self, params: Params, batch: Batch) -> jax.Array:
        """Return what the lowest layer reads, `(B, T, F)`: the encoded inputs, unless said otherwise."""
        return self.encode(params, batch.inputs)

    def written(self, hidden: jax.Array, lengths: jax.Array | None) -> jax.Array:
        """Return what the output reads of the top layer's `(B, T, H)`: every step, unless said otherwise."""
        return hidden

    def apply(
        self, params: Params, batch: Batch, key: jax.Array | None = None, taps: Any = None
    ) -> jax.Array:
        return self.apply_from(None, params, batch, key, taps)[1]

    def apply_from(
        self, carries: Any, params: Params, batch: Batch, key: jax.Array | None = None, taps: Any = None
    ) -> tuple[Any, jax.Array]:
        """Return the final carries and what `apply` does, from the carries that a batch before left.

        Args:
            carries: as `initial_carries` returns them; None for those themselves.
            params: as in `apply`, and so is the rest.
            batch: its `resets` are obeyed.
            key: PRNG key.
            taps: zeros.
        """
        carries, hidden = self.stack.apply(
            params["recurrence"],
            self.read(params, batch),
            batch.lengths,
            carries,
            key,
            taps,
            batch.resets,
            self.truncation,
        )
        return carries, self.read_out(params, self.written(hidden, batch.lengths))

    def initial_carries(self, params: Params, batch: Batch) -> Any:
        """Return the carries that the sequences of a batch start with, `(B, H)` a leaf."""
        return self.stack.initial_carries(params["recurrence"], self.read(params, batch))

    # Running freely: each output is chosen from the prediction and read as the next input.

    @abc.abstractmethod
    def begin(self, params: Params, inputs: jax.Array) -> tuple[Any, jax.Array]:
        """Read the inputs and return the running state and the prediction `(B, O)` of what comes next."""

    @abc.abstractmethod
    def go_on(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        """Read the output just chosen; return the running state and the prediction of what comes next."""

    def generate(
        self,
        params: Params,
        inputs: jax.Array,
        length: int,
        key: jax.Array,
        temperature: float = 1.0,
    ) -> jax.Array:
        """Write `length` outputs, feeding each back as the next input.

        Args:
            params: as `init` returns them.
            inputs: what the architecture reads first, `(B,)`, `(B, T)`, `(B, F)` or `(B, T, F)`.
            length: how many outputs, static.
            key: PRNG key of the samples.
            temperature: divides the logits before sampling; 0 takes the most probable token. Vectors are
                taken as predicted.

        Returns:
            int32 tokens `(B, length)` or vectors `(B, length, O)`.

        Raises:
            ConfigError: a bidirectional network, which needs the future it would have to write.
        """
        if self.bidirectional:
            raise ConfigError("architecture.bidirectional=true cannot generate: legal value is false")

        def choose(prediction: jax.Array, key: jax.Array) -> jax.Array:
            if not isinstance(self.outputs, Tokens):
                return prediction
            if temperature == 0:
                return jnp.argmax(prediction, axis=-1)
            return jax.random.categorical(key, prediction / temperature)

        def write(running: tuple[Any, jax.Array], key: jax.Array) -> tuple[tuple[Any, jax.Array], jax.Array]:
            state, prediction = running
            chosen = choose(prediction, key)
            return self.go_on(params, state, chosen), chosen

        _, written = jax.lax.scan(write, self.begin(params, inputs), jax.random.split(key, length))
        return jnp.swapaxes(written, 0, 1)
