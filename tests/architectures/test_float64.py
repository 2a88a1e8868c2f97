"""Networks under `jax_enable_x64`: everything is float64, also where inputs are float32."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.architectures import EncoderDecoder, ManyToMany, ManyToOne, OneToMany, OneToOne
from seqlab.cells import GRU, LRU, LSTM
from seqlab.generation.decoding import GREEDY, Beam, beam_search, sample
from seqlab.types import Batch, Images, Tokens, Vectors

B, T, M = 2, 4, 3
NETWORKS = {
    "one_to_one": lambda: OneToOne(GRU(5), Vectors(2), Tokens(3)),
    "many_to_one": lambda: ManyToOne(LSTM(5), Images(8, 8, 1), Tokens(3), embedding=4, bidirectional=True),
    "many_to_many": lambda: ManyToMany(
        GRU(5, reset_after=False), Tokens(3), Tokens(3), embedding=5, tied=True
    ),
    "many_to_many_vectors": lambda: ManyToMany(LRU(5), Vectors(2), Vectors(2), dropout=0.2, zoneout=0.2),
    "one_to_many": lambda: OneToMany(GRU(5), Vectors(2), Tokens(3)),
    "encoder_decoder": lambda: EncoderDecoder(
        LSTM(5), Vectors(2), Vectors(3), attention="luong", input_feeding=True, scheduled_sampling=0.5
    ),
    "encoder_decoder_tokens": lambda: EncoderDecoder(
        GRU(5), Tokens(3), Tokens(3), attention="bahdanau", bidirectional=True, embedding=4
    ),
}


def batch_of(network):
    def draw(spec, *shape):
        if isinstance(spec, Tokens):
            return np.zeros(shape, np.int32)
        return np.zeros((*shape, *spec.shape), np.float32)

    reads = () if network.framing == "one_to_many" else (T,)
    writes = {"one_to_one": (), "many_to_one": (), "encoder_decoder": (M,)}.get(network.framing, (T,))
    targets = draw(network.outputs, B, *writes)
    return Batch(draw(network.inputs, B, *reads), targets, np.ones((B, *writes), bool))


def dtypes(tree):
    return {leaf.dtype for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)}


@pytest.mark.parametrize("form", NETWORKS)
def test_parameters_predictions_and_gradients_are_float64(form):
    with jax.enable_x64(True):
        network, key = NETWORKS[form](), jax.random.key(0)
        batch = batch_of(network)

        def loss(params, probes):
            predictions = network.apply(params, batch, key, probes)
            return jnp.sum(jnp.sin(predictions)), predictions

        def everything():
            params = network.init(key, batch)
            probes = network.zero_probes(params, batch)
            return params, probes, jax.grad(loss, (0, 1), has_aux=True)(params, probes)

        assert dtypes(jax.eval_shape(everything)) == {jnp.dtype("float64")}


@pytest.mark.parametrize("form", [form for form in NETWORKS if form not in ("one_to_one", "many_to_one")])
def test_generation_predicts_in_float64(form):
    with jax.enable_x64(True):
        network, key = NETWORKS[form](), jax.random.key(0)
        batch = batch_of(network)
        params = jax.eval_shape(network.init, key, batch)
        generate = lambda params: sample(network, params, batch.inputs, M, key, GREEDY)  # noqa: E731
        assert jax.eval_shape(generate, params)[1].dtype == jnp.float64
        if isinstance(network.outputs, Tokens):
            search = lambda params: beam_search(network, params, batch.inputs, M, Beam(2))  # noqa: E731
            tokens, scores = jax.eval_shape(search, params)
            assert (tokens.dtype, scores.dtype) == (jnp.int32, jnp.float64)
