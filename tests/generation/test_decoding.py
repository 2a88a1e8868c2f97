"""Decoding: greedy choice, sampling and beam search."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.architectures import EncoderDecoder, ManyToMany, OneToMany
from seqlab.cells import GRU
from seqlab.generation.decoding import GREEDY, Beam, Sampling, beam_search, sample
from seqlab.types import Batch, ConfigError, Tokens, Vectors

KEY = jax.random.key(3)
B, T, M, V = 2, 3, 3, 3
END = 1
FORMS = {
    "encoder_decoder": functools.partial(EncoderDecoder, attention="luong", input_feeding=True),
    "many_to_many": ManyToMany,
    "one_to_many": OneToMany,
}
every_form = pytest.mark.parametrize("form", FORMS)
every_end = pytest.mark.parametrize("end", [None, END])


@functools.cache
def made(form):
    """Return a network, its parameters, grown so that predictions are far from even, and inputs."""
    network = FORMS[form](GRU(4), Tokens(V), Tokens(V))
    inputs = jax.random.randint(KEY, (B,) if form == "one_to_many" else (B, T), 0, V)
    targets = jnp.zeros((B, M), jnp.int32)
    params = jax.jit(network.init)(KEY, Batch(inputs, targets, targets == 0))
    return network, jax.tree.map(lambda leaf: 3 * leaf, params), inputs


@every_end
@every_form
def test_a_beam_of_one_is_greedy(form, end):
    network, params, inputs = made(form)
    greedy, _ = jax.jit(lambda: sample(network, params, inputs, M, KEY, GREEDY, end=end))()
    found, _ = jax.jit(lambda: beam_search(network, params, inputs, M, Beam(1, 0.7), end=end))()
    np.testing.assert_array_equal(found[:, 0], greedy)


@every_end
@pytest.mark.parametrize("penalty", [0.0, 1.5])
def test_a_beam_that_holds_all_finds_the_best_of_all(penalty, end):
    network, params, inputs = made("encoder_decoder")
    every = np.array(list(itertools.product(range(V), repeat=M)))
    batch = jax.vmap(lambda row: jnp.broadcast_to(row, (B, M)))(every)

    def fed(targets):
        return jax.nn.log_softmax(network.apply(params, Batch(inputs, targets, targets >= 0)))

    steps = jnp.take_along_axis(jax.jit(jax.vmap(fed))(batch), batch[..., None], axis=-1)[..., 0]
    counts = np.full(len(every), M)
    if end is not None:
        ended = every == end
        counts = np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, M)
    sums = np.where(np.arange(M) < counts[:, None, None], steps, 0).sum(axis=2)
    scores = sums / (((5 + counts) / 6) ** penalty)[:, None]
    real = np.arange(M) < counts[:, None]
    found, scored = jax.jit(lambda: beam_search(network, params, inputs, M, Beam(V**M, penalty), end=end))()
    for row in range(B):
        best = scores[:, row].argmax()
        np.testing.assert_array_equal(np.asarray(found)[row, 0][real[best]], every[best][real[best]])
        distinct = np.unique(np.where(real, every, END), axis=0, return_index=True)[1]
        expected = np.sort(scores[distinct, row])[::-1]
        np.testing.assert_allclose(scored[row, : len(distinct)], expected, rtol=1e-4)
        assert np.isneginf(scored[row, len(distinct) :]).all()


def test_what_follows_the_end_is_the_end():
    network, params, inputs = made("encoder_decoder")
    inputs = jnp.tile(inputs, (32, 1))
    written, _ = jax.jit(lambda: sample(network, params, inputs, 6, KEY, Sampling(3.0), end=END))()
    ended = np.cumsum(written == END, axis=1) > 0
    assert ended[:, 0].any()
    assert not ended[:, -1].all()
    assert (written[ended] == END).all()


LOGITS = jnp.log(jnp.array([0.4, 0.1, 0.2, 0.3]))


@pytest.mark.parametrize(
    ("sampling", "symbols"),
    [
        (Sampling(top_k=1), {0}),
        (Sampling(top_k=2), {0, 3}),
        (Sampling(top_k=9), {0, 1, 2, 3}),
        (Sampling(top_p=0.39), {0}),
        (Sampling(top_p=0.41), {0, 3}),
        (Sampling(top_p=0.89), {0, 2, 3}),
        (Sampling(top_k=3, top_p=0.7), {0, 3}),  # of .44, .33 and .22
        (Sampling(top_p=1e-9), {0}),
        (Sampling(temperature=0.0, top_k=3), {0}),
    ],
)
def test_the_symbols_left_to_draw_from(sampling, symbols):
    drawn = np.asarray(sampling.choose(KEY, jnp.broadcast_to(LOGITS, (2000, 4))))
    assert set(drawn.tolist()) == symbols
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    kept = np.where(np.isin(range(4), list(symbols)), np.exp(LOGITS), 0)
    np.testing.assert_allclose(shares, kept / kept.sum(), atol=0.05)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_each_label_is_drawn_by_its_own_logit(temperature):
    drawn = Sampling(temperature).choose_labels(KEY, jnp.broadcast_to(LOGITS, (2000, 4)))
    expected = 1 / (1 + np.exp(-LOGITS / temperature)) if temperature else np.zeros(4)
    np.testing.assert_allclose(drawn.mean(axis=0), expected, atol=0.05)
    assert set(np.unique(drawn)) <= {0, 1}
    assert (np.cov(drawn.T)[~np.eye(4, dtype=bool)] ** 2).max() < 0.02**2


def test_a_nucleus_of_all_is_plain_sampling():
    logits = jax.random.normal(KEY, (64, 7))
    np.testing.assert_array_equal(
        Sampling(0.8, top_p=1.0).choose(KEY, logits), jax.random.categorical(KEY, logits / 0.8)
    )
    np.testing.assert_array_equal(
        Sampling(top_p=1 - 1e-6).choose(KEY, logits), jax.random.categorical(KEY, logits)
    )


@pytest.mark.parametrize(
    ("kind", "settings", "line"),
    [
        (Sampling, {"temperature": -1.0}, "temperature must be a finite number, at least 0, got -1.0"),
        (Sampling, {"top_k": 0}, "top_k must be a positive integer, got 0"),
        (Sampling, {"top_p": 0.0}, "top_p must be above 0 and at most 1, got 0.0"),
        (Sampling, {"top_p": 1.1}, "top_p must be above 0 and at most 1, got 1.1"),
        (Beam, {"size": 0}, "size must be a positive integer, got 0"),
        (Beam, {"size": 1, "length_penalty": -1.0}, "length_penalty must be .* at least 0, got -1.0"),
    ],
)
def test_bad_settings_are_refused_in_one_line(kind, settings, line):
    with pytest.raises(ValueError, match=f"^{line}$"):
        kind(**settings)


def test_a_beam_of_vectors_is_refused():
    network = OneToMany(GRU(4), Tokens(V), Vectors(2))
    with pytest.raises(ConfigError, match="beam search needs a network that writes tokens"):
        beam_search(network, {}, jnp.zeros(B, jnp.int32), M, Beam(2))


@pytest.mark.parametrize("temperature", [1e-45, 1e-38, 1e-12])
def test_a_temperature_near_zero_is_greedy(temperature):
    logits = jnp.array([[0.1, 0.30001, 0.3, -5.0], [-80.0, 80.0, 79.9, 0.0]])
    drawn = Sampling(temperature).choose(KEY, logits)
    np.testing.assert_array_equal(drawn, GREEDY.choose(KEY, logits))


def test_symbols_as_probable_as_the_last_of_top_k_can_be_drawn_too():
    logits = jnp.broadcast_to(jnp.array([2.0, 1.0, 1.0, 0.0]), (500, 4))
    assert set(np.unique(Sampling(top_k=2).choose(KEY, logits))) == {0, 1, 2}
