"""Attention weights of an encoder-decoder on a batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.architectures.attention import ATTENTIONS
from seqlab.architectures.decoder import Decoder, DecoderState
from seqlab.architectures.encoder_decoder import EncoderDecoder
from seqlab.recurrence.carries import last_vector
from seqlab.types import Batch, Params


def attention_weights(network: EncoderDecoder, params: Params, batch: Batch) -> jax.Array | None:
    """Return the weights α of every output on every input, with the targets of the batch as outputs before.

    Args:
        network: the network.
        params: its parameters.
        batch: the examples.

    Returns:
        α `(B, M, T)`, each row of which sums to 1; None for a network without attention.
    """
    decoder = network.decoder
    if decoder.attention is None:
        return None
    weights, state = params["decoder"], network.first_state(params, batch.inputs, batch.lengths)
    if decoder.attention == "bahdanau":
        queries = _states_before(decoder, weights, state, batch.targets)
    else:
        inputs, _ = decoder.unroll(weights, state, batch.targets)
        _, queries = decoder.stack.apply(weights["recurrence"], inputs, None, state.carries)
    assert state.memory is not None
    attention = ATTENTIONS[decoder.attention](decoder.features)
    return attention.attend(weights["attention"], queries, state.memory)[1]


def _states_before(decoder: Decoder, params: Params, state: DecoderState, targets: jax.Array) -> jax.Array:
    """Return the h of the top layer before each step, `(B, M, Q)`, with which "bahdanau" attends."""
    start = decoder.start_features(params, len(targets))[:, None]
    features = jnp.concatenate([start, decoder.output_features(params, targets[:, :-1])], axis=1)
    memory = state.memory  # the same at all steps, so it is not part of the carry

    def step(state: DecoderState, now: jax.Array) -> tuple[DecoderState, jax.Array]:
        query = last_vector(state.carries[decoder.stack.layers[-1]])
        following, _, _ = decoder.step(params, state._replace(memory=memory), now)
        return following._replace(memory=None), query

    _, queries = jax.lax.scan(step, state._replace(memory=None), jnp.swapaxes(features, 0, 1))
    return jnp.swapaxes(queries, 0, 1)
