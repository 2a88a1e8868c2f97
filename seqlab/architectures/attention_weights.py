"""Attention weights of an encoder-decoder on a batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.architectures.attention import ATTENTIONS
from seqlab.architectures.encoder_decoder import EncoderDecoder
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
    weights = params["decoder"]
    state = network.first_state(params, batch.inputs, batch.lengths)
    inputs, _ = decoder.unroll(weights, state, batch.targets)
    _, queries = decoder.stack.apply(weights["recurrence"], inputs, None, state.carries)
    if decoder.attention == "bahdanau":  # attends with the h of the step before
        first = jax.tree.leaves(state.carries[decoder.stack.layers[-1]])[-1]
        queries = jnp.concatenate([first[:, None], queries[:, :-1]], axis=1)
    assert state.memory is not None
    attention = ATTENTIONS[decoder.attention](decoder.features)
    return attention.attend(weights["attention"], queries, state.memory)[1]
