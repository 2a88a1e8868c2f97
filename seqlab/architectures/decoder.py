"""How is a sequence written? Each step reads what was written before it, and what it attends to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.attention import ATTENTIONS, Attention, Memory
from seqlab.architectures.network import draw, one_hot
from seqlab.recurrence import FULL_BACKWARD, Backward, Stack
from seqlab.types import Params, Spec, Tokens


class Writing(NamedTuple):
    """Where a decoder is.

    Attributes:
        carries: of its stack.
        memory: what it may attend to; None without attention.
        written: h̃_{j−1}, `(B, H)`, zeros before the first step; None without input feeding.
    """

    carries: Any
    memory: Memory | None = None
    written: jax.Array | None = None


class Own(NamedTuple):
    """How a decoder comes to read what it wrote itself, in training.

    Attributes:
        share: the probability with which each y_{j−1} is drawn from its prediction, in place of the target.
        predict: returns the predictions `(B, O)` of h̃ `(B, H)`, given `params`.
        params: what `predict` takes.
    """

    share: float | jax.Array
    predict: Callable[[Params, jax.Array], jax.Array]
    params: Params


@dataclasses.dataclass(frozen=True)
class Decoder:
    """A stack that writes.

        s_j = stack(s_{j−1}, [y_{j−1}, c_j where it is read, h̃_{j−1} where it is fed]),   y_0 = a start symbol
        h̃_j = tanh(W [s_j, c_j]) with attention, s_j without

    "luong" attends with s_j and reads no c_j; "bahdanau" attends with the h that the top layer hands on from
    step j − 1, and reads it. The start symbol is a feature, or a row of the embedding, of its own.

    Attributes:
        stack: the layers, in one direction.
        outputs: what is written.
        num_values: N, the width of what can be attended to.
        attention: None, "bahdanau" or "luong".
        input_feeding: whether each step reads h̃ of the step before.
        embedding: the width of the embedding of what is read back; None reads it one-hot.

    Source: Bahdanau et al. 2015, arXiv:1409.0473; Luong et al. 2015, arXiv:1508.04025, eq. 5 and section 3.3.
    """

    stack: Stack
    outputs: Spec
    num_values: int
    attention: str | None
    input_feeding: bool
    embedding: int | None

    @property
    def step_by_step(self) -> bool:
        """Whether what a step reads depends on the step before; else all steps are run at once."""
        return self.attention == "bahdanau" or self.input_feeding

    @property
    def features(self) -> int:
        """H, the width of h̃."""
        return self.stack.features

    def init(self, key: jax.Array) -> Params:
        """Return the parameters."""
        stack, attention, combine, table = jax.random.split(key, 4)
        H, N, params = self.features, self.num_values, {}
        num_inputs = self.outputs.size + 1
        if self._embeds:
            num_inputs = self.embedding
            params["embedding"] = self._table.init(table, jnp.zeros(1, jnp.int32))["params"]
        num_inputs += (self.attention == "bahdanau") * N + self.input_feeding * H
        params["recurrence"] = self.stack.init(stack, num_inputs)
        if self._attention:
            params["attention"] = self._attention.init(attention, N)
            params["combine"] = self._combine.init(combine, jnp.zeros((1, H + N)))["params"]
        return params

    def prefill(self, params: Params, carries: Any, values: jax.Array, real: jax.Array) -> Writing:
        """Return where it begins.

        Args:
            params: as `init` returns them.
            carries: of the stack.
            values: what can be attended to, `(B, T, N)`.
            real: bool `(B, T)`, which of it is real.
        """
        memory = self._attention.remember(params["attention"], values, real) if self._attention else None
        fed = jnp.zeros((len(values), self.features), values.dtype) if self.input_feeding else None
        return Writing(carries, memory, fed)

    def step(
        self,
        params: Params,
        state: Writing,
        features: jax.Array,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> tuple[Writing, jax.Array, jax.Array]:
        """Take one step.

        Args:
            params: as `init` returns them.
            state: where it is.
            features: of y_{j−1}, `(B, F)`, by `start` or `later`.
            key: PRNG key of the dropout masks; None for none.
            probes: those of the stack at this step, `(B,)` a leaf; None for none.
            backward: the options of the backward pass.

        Returns:
            Where it then is, what the stack read, and h̃_j `(B, H)`.
        """
        read, context = [features], None
        if self.attention == "bahdanau":
            query = jax.tree.leaves(state.carries[self.stack.layers[-1]])[-1]
            context, _ = self._attention.attend(params["attention"], query[:, None], state.memory)
            read.append(context[:, 0])
        if self.input_feeding:
            read.append(state.written)
        read = jnp.concatenate(read, axis=-1)
        probes = jax.tree.map(lambda leaf: leaf[:, None], probes)
        carries, hidden = self.stack.apply(
            params["recurrence"],
            read[:, None],
            carries=state.carries,
            key=key,
            probes=probes,
            backward=backward,
        )
        written = self._written(params, hidden, state.memory, context)[:, 0]
        return Writing(carries, state.memory, written if self.input_feeding else None), read, written

    def write(
        self,
        params: Params,
        state: Writing,
        targets: jax.Array,
        key: jax.Array | None = None,
        probes: Any = None,
        own: Own | None = None,
        backward: Backward = FULL_BACKWARD,
    ) -> tuple[jax.Array, jax.Array]:
        """Take all steps, fed the targets.

        Args:
            params: as `init` returns them.
            state: where it begins.
            targets: y, `(B, M)` or `(B, M, O)`, of which the last is not read.
            key: PRNG key of all that is drawn; None for none, and then no `own`.
            probes: those of the stack; None for none.
            own: what it is fed of its own instead; None for nothing.
            backward: the options of the backward pass.

        Returns:
            What the stack read, `(B, M, F)`, and h̃, `(B, M, H)`.
        """
        B, M = targets.shape[:2]
        read = jnp.concatenate([self.start(params, B)[:, None], self.later(params, targets[:, :-1])], axis=1)
        if not self.step_by_step and own is None:
            _, hidden = self.stack.apply(
                params["recurrence"], read, None, state.carries, key, probes, backward=backward
            )
            return read, self._written(params, hidden, state.memory)
        memory = state.memory  # constant over the steps, so it is no part of the carry
        steps = _DecoderSteps(jnp.swapaxes(read, 0, 1), jax.tree.map(jnp.transpose, probes))
        prediction = None
        if key is not None:
            key_noise, key_own, key_drawn = jax.random.split(key, 3)
            steps = steps._replace(key=jax.random.split(key_noise, M))
        if own is not None:
            is_own = jax.random.bernoulli(key_own, own.share, (M, B)).at[0].set(False)
            steps = steps._replace(own=is_own, drawn=jax.random.split(key_drawn, M))
            prediction = jnp.zeros((B, self.outputs.size), read.dtype)

        def step(running: tuple, now: _DecoderSteps) -> tuple[tuple, tuple]:
            (state, prediction), features = running, now.features
            if own is not None:
                drawn = self.later(params, self.draw(now.drawn, prediction))
                features = jnp.where(now.own[:, None], drawn, features)
            state = state._replace(memory=memory)
            state, read, written = self.step(params, state, features, now.key, now.probes, backward)
            if own is not None:
                prediction = own.predict(own.params, written)
            return (state._replace(memory=None), prediction), (read, written)

        running = state._replace(memory=None), prediction
        _, sequences = jax.lax.scan(step, running, steps)
        return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), sequences)

    def start(self, params: Params, num_rows: int) -> jax.Array:
        """Return the features of the start symbol, `(B, F)`."""
        size = self.outputs.size
        one = params["embedding"]["embedding"][size] if self._embeds else jax.nn.one_hot(size, size + 1)
        return jnp.broadcast_to(one, (num_rows, *one.shape))

    def later(self, params: Params, written: jax.Array) -> jax.Array:
        """Return the features of what was written, tokens `(…)`, or vectors or labels `(…, O)`."""
        if self._embeds:
            return self._table.apply({"params": params["embedding"]}, written)
        features = one_hot(self.outputs, written)
        return jnp.concatenate([features, jnp.zeros((*features.shape[:-1], 1), features.dtype)], axis=-1)

    def draw(self, key: jax.Array, prediction: jax.Array) -> jax.Array:
        """Draw outputs from predictions `(B, O)`, letting no gradient through; vectors are as predicted."""
        return draw(self.outputs, key, jax.lax.stop_gradient(prediction))

    def _written(
        self, params: Params, hidden: jax.Array, memory: Memory | None, context: jax.Array | None = None
    ) -> jax.Array:
        """Return h̃ of the stack's outputs `(B, M, H)`, attending with them where no context was read."""
        if memory is None:
            return hidden
        if context is None:
            context, _ = self._attention.attend(params["attention"], hidden, memory)
        both = jnp.concatenate([hidden, context], axis=-1)
        return jnp.tanh(self._combine.apply({"params": params["combine"]}, both))

    @property
    def _attention(self) -> Attention | None:
        return ATTENTIONS[self.attention](self.features) if self.attention else None

    @property
    def _combine(self) -> nn.Dense:
        return nn.Dense(self.features, use_bias=False)

    @property
    def _embeds(self) -> bool:
        return self.embedding is not None and isinstance(self.outputs, Tokens)

    @property
    def _table(self) -> nn.Embed:
        return nn.Embed(self.outputs.size + 1, self.embedding)


class _DecoderSteps(NamedTuple):
    """What the steps of a decoder read besides its state, with M in front."""

    features: jax.Array
    probes: Any
    key: jax.Array | None = None
    own: jax.Array | None = None
    drawn: jax.Array | None = None
