"""Decoder of a sequence: a stack that reads the outputs before and attends to the encoder's outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.attention import ATTENTIONS, Attention, Memory
from seqlab.architectures.encoding import Encoding
from seqlab.architectures.layers import apply_layer, dense, init_layer
from seqlab.architectures.readout import Readout, draw
from seqlab.recurrence import FULL_BACKWARD, Backward, Stack
from seqlab.recurrence.carries import last_vector
from seqlab.recurrence.chunked import in_chunks
from seqlab.recurrence.stack import Carries
from seqlab.types import Params, Spec, Tokens


class DecoderState(NamedTuple):
    """The state between two steps of a decoder.

    Attributes:
        carries: of the stack.
        memory: what attention reads; None without attention.
        fed: h̃_{j−1}, `(B, H)`, zeros before the first step; None without input feeding.
    """

    carries: Carries
    memory: Memory | None = None
    fed: jax.Array | None = None


class ScheduledSampling(NamedTuple):
    """Random replacement of targets by the network's own outputs, in training (Bengio et al. 2015).

    Attributes:
        rate: the probability with which each y_{j−1} is drawn from its prediction instead of the targets.
        predict: the function from `params` and h̃ `(B, H)` to predictions `(B, O)`.
        params: the parameters that `predict` takes.
    """

    rate: float | jax.Array
    predict: Callable[[Params, jax.Array], jax.Array]
    params: Params


class _Sampled(NamedTuple):
    """Which rows of a step read a sample, bool `(B,)`, and its PRNG key; each leaf has M in front."""

    rows: jax.Array
    key: jax.Array


class _Steps(NamedTuple):
    """What the steps of a decoder read besides its state; each leaf has M in front."""

    features: jax.Array
    probes: Carries | None
    key: jax.Array | None = None
    sampled: _Sampled | None = None


@dataclasses.dataclass(frozen=True)
class Decoder:
    """A stack that predicts a sequence.

        s_j = stack(s_{j−1}, [y_{j−1}, c_j if "bahdanau", h̃_{j−1} if input feeding]),   y_0 = a start symbol
        h̃_j = tanh(W [s_j, c_j]) with attention, s_j without

    "luong" attends with s_j. "bahdanau" attends with the h of the top layer after step j − 1, and its context
    c_j is an input of step j. The start symbol is an additional feature, or an additional row of the
    embedding.

    Attributes:
        stack: the layers, in one direction.
        outputs: the output spec.
        num_values: N, the width of what attention reads.
        attention: None, "bahdanau" or "luong".
        input_feeding: whether each step reads h̃ of the step before.
        embedding: the width of the embedding of output tokens; None reads them one-hot.

    Source: Bahdanau et al. 2015, arXiv:1409.0473; Luong et al. 2015, arXiv:1508.04025, eq. 5 and section 3.3.
    """

    stack: Stack
    outputs: Spec
    num_values: int
    attention: str | None
    input_feeding: bool
    embedding: int | None

    @property
    def is_sequential(self) -> bool:
        """Whether a step's input depends on the step before. If not, one scan runs each layer."""
        return self.attention == "bahdanau" or self.input_feeding

    @property
    def features(self) -> int:
        """H, the width of h̃."""
        return self.stack.features

    def init(self, key: jax.Array) -> Params:
        """Return the parameters."""
        key_stack, key_attention, key_combine, key_embedding = jax.random.split(key, 4)
        H, N, params = self.features, self.num_values, {}
        num_inputs = self.outputs.size + 1
        if self._encoding.is_learned:
            num_inputs = self._encoding.features
            params["embedding"] = self._encoding.init(key_embedding)
        num_inputs += (self.attention == "bahdanau") * N + self.input_feeding * H
        params["recurrence"] = self.stack.init(key_stack, num_inputs)
        if self._attention:
            carry = self.stack.cell.initialize_carry(jax.random.key(0), (1, num_inputs))
            params["attention"] = self._attention.init(key_attention, N, last_vector(carry).shape[-1])
            params["combine"] = init_layer(self._combine, key_combine, jnp.zeros((1, H + N)))
        return params

    def initial_state(
        self, params: Params, carries: Carries, values: jax.Array, real: jax.Array
    ) -> DecoderState:
        """Return the state before the first step.

        Args:
            params: as `init` returns them.
            carries: of the stack's layers.
            values: what attention reads, `(B, T, N)`.
            real: bool `(B, T)`, False for padding.
        """
        memory = self._attention.memory(params["attention"], values, real) if self._attention else None
        fed = jnp.zeros((len(values), self.features), values.dtype) if self.input_feeding else None
        carries = self.stack.with_first_window(params["recurrence"], carries)
        return DecoderState(carries, memory, fed)

    def step(
        self,
        params: Params,
        state: DecoderState,
        features: jax.Array,
        key: jax.Array | None = None,
        probes: Carries | None = None,
        backward: Backward = FULL_BACKWARD,
    ) -> tuple[DecoderState, jax.Array, jax.Array]:
        """Take one step.

        Args:
            params: as `init` returns them.
            state: the state before the step.
            features: of y_{j−1}, `(B, F)`, by `start_features` or `output_features`.
            key: PRNG key of the dropout masks; None for none.
            probes: those of the stack at this step, `(B,)` a leaf; None for none.
            backward: the options of the backward pass.

        Returns:
            The state after the step, the inputs of the stack, and h̃_j `(B, H)`.
        """
        inputs, context = [features], None
        if self._attention and state.memory and self.attention == "bahdanau":
            query = last_vector(state.carries[self.stack.layers[-1]])
            context, _ = self._attention.attend(params["attention"], query[:, None], state.memory)
            inputs.append(context[:, 0])
        if state.fed is not None:
            inputs.append(state.fed)
        inputs = jnp.concatenate(inputs, axis=-1)
        probes = jax.tree.map(lambda leaf: leaf[:, None], probes)
        carries, hidden = self.stack.apply(
            params["recurrence"], inputs[:, None], None, state.carries, key, probes, backward=backward
        )
        attended = self._attended(params, hidden, state.memory, context)[:, 0]
        fed = attended if self.input_feeding else None
        return DecoderState(carries, state.memory, fed), inputs, attended

    def unroll(
        self,
        params: Params,
        state: DecoderState,
        targets: jax.Array,
        key: jax.Array | None = None,
        probes: Carries | None = None,
        sampling: ScheduledSampling | None = None,
        backward: Backward = FULL_BACKWARD,
    ) -> tuple[jax.Array, jax.Array]:
        """Take all steps with teacher forcing.

        Args:
            params: as `init` returns them.
            state: the state before the first step.
            targets: y, `(B, M)` or `(B, M, O)`; the last is not read.
            key: PRNG key of masks and samples; None, which excludes `sampling`, for none.
            probes: those of the stack; None for none.
            sampling: replaces some of the targets; None for none.
            backward: the options of the backward pass.

        Returns:
            The inputs of the stack, `(B, M, F)`, and h̃, `(B, M, H)`.
        """
        start = self.start_features(params, len(targets))[:, None]
        features = jnp.concatenate([start, self.output_features(params, targets[:, :-1])], axis=1)
        if self.is_sequential or sampling is not None:
            return self._unroll_sequentially(params, state, features, key, probes, sampling, backward)
        _, hidden = self.stack.apply(
            params["recurrence"], features, None, state.carries, key, probes, backward=backward
        )
        return features, self._attended(params, hidden, state.memory)

    def _unroll_sequentially(
        self,
        params: Params,
        state: DecoderState,
        features: jax.Array,
        key: jax.Array | None,
        probes: Carries | None,
        sampling: ScheduledSampling | None,
        backward: Backward,
    ) -> tuple[jax.Array, jax.Array]:
        """Take all steps one by one, given the features `(B, M, F)` of the targets."""
        B, M = features.shape[:2]
        memory = state.memory  # the same at all steps, so it is not part of the carry
        steps = _Steps(jnp.swapaxes(features, 0, 1), jax.tree.map(jnp.transpose, probes))
        prediction = None
        if key is not None:
            key_noise, key_choice, key_sample = jax.random.split(key, 3)
            steps = steps._replace(key=jax.random.split(key_noise, M))
            if sampling is not None:
                rows = jax.random.bernoulli(key_choice, sampling.rate, (M, B)).at[0].set(False)
                steps = steps._replace(sampled=_Sampled(rows, jax.random.split(key_sample, M)))
                dtype = jnp.result_type(features, *jax.tree.leaves(params))
                prediction = jnp.zeros((B, Readout(self.outputs).num_outputs), dtype)

        def step(carry: tuple[Any, Any], now: _Steps) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
            (state, prediction), features = carry, now.features
            if now.sampled is not None:
                drawn = self.output_features(params, self.draw(now.sampled.key, prediction))
                features = jnp.where(now.sampled.rows[:, None], drawn, features)
            state = state._replace(memory=memory)
            state, inputs, attended = self.step(params, state, features, now.key, now.probes, backward)
            if sampling is not None:
                prediction = sampling.predict(sampling.params, attended)
            return (state._replace(memory=None), prediction), (inputs, attended)

        def run(steps: _Steps, carry: Any) -> tuple[Any, Any]:
            return jax.lax.scan(step, carry, steps)

        first = (state._replace(memory=None), prediction)
        _, sequences = in_chunks(run, steps, first) if backward.chunked else run(steps, first)
        return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), sequences)

    def start_features(self, params: Params, num_rows: int) -> jax.Array:
        """Return the features of the start symbol, `(B, F)`."""
        size = self.outputs.size
        if self._encoding.is_learned:
            features = self._encoding.apply(params["embedding"], jnp.int32(size))
        else:
            features = jax.nn.one_hot(size, size + 1)
        return jnp.broadcast_to(features, (num_rows, *features.shape))

    def output_features(self, params: Params, outputs: jax.Array) -> jax.Array:
        """Return the features of outputs: tokens `(…)`, or vectors or labels `(…, O)`."""
        features = self._encoding.apply(params.get("embedding", {}), outputs)
        if isinstance(self.outputs, Tokens):
            return features
        return jnp.concatenate([features, jnp.zeros((*features.shape[:-1], 1), features.dtype)], axis=-1)

    def draw(self, key: jax.Array, prediction: jax.Array) -> jax.Array:
        """Draw outputs from predictions `(B, O)`, without gradient; vectors are the predictions."""
        return draw(self.outputs, key, jax.lax.stop_gradient(prediction))

    def _attended(
        self,
        params: Params,
        hidden: jax.Array,
        memory: Memory | None,
        context: jax.Array | None = None,
    ) -> jax.Array:
        """Return h̃ of the stack's outputs `(B, M, H)`, attending with them where no context is given."""
        if memory is None or self._attention is None:
            return hidden
        if context is None:
            context, _ = self._attention.attend(params["attention"], hidden, memory)
        both = jnp.concatenate([hidden, context], axis=-1)
        return jnp.tanh(apply_layer(self._combine, params["combine"], both))

    @property
    def _attention(self) -> Attention | None:
        return ATTENTIONS[self.attention](self.features) if self.attention else None

    @property
    def _combine(self) -> nn.Dense:
        return dense(self.features, use_bias=False)

    @property
    def _encoding(self) -> Encoding:
        """The encoding of outputs that are read back; of tokens, the last is the start symbol."""
        if isinstance(self.outputs, Tokens):
            return Encoding(Tokens(self.outputs.size + 1), self.embedding)
        return Encoding(self.outputs, None)
