"""The encoder-decoder: reading, teacher forcing, attention and scheduled sampling."""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.architectures import EncoderDecoder
from seqlab.architectures.attention import ATTENTIONS
from seqlab.architectures.attention_weights import attention_weights
from seqlab.cells import GRU, LRU, LSTM
from seqlab.generation.decoding import GREEDY, free_run, sample
from seqlab.recurrence import Backward, Truncation
from seqlab.types import Batch, IncompatibleError, Tokens, Vectors

pytestmark = pytest.mark.slow

KEY = jax.random.key(0)
B, T, M, H = 3, 5, 4, 6
LENGTHS = np.array([T, 2, 3])

FORMS = {
    "plain": (GRU(H), {"num_layers": 2}),
    "luong": (LSTM(H), {"attention": "luong", "bidirectional": True}),
    "luong_fed": (GRU(H), {"attention": "luong", "input_feeding": True}),
    "bahdanau": (LRU(H), {"attention": "bahdanau", "bidirectional": True}),
    "bahdanau_fed_tied": (
        GRU(H),
        {"attention": "bahdanau", "input_feeding": True, "embedding": H, "tied": True},
    ),
}
every_form = pytest.mark.parametrize("form", FORMS)


TOKENS = Tokens(3)


def made(form, outputs=TOKENS, lengths=LENGTHS, **settings):
    cell, own = FORMS[form]
    network = EncoderDecoder(cell, Vectors(2), outputs, **own, **settings)
    random = np.random.default_rng(0)
    inputs = np.float32(random.standard_normal((B, T, 2)))
    if isinstance(outputs, Tokens):
        targets = random.integers(0, outputs.size, (B, M), dtype="int32")
    else:
        targets = np.float32(random.standard_normal((B, M, outputs.size)))
    batch = Batch(inputs, targets, np.ones((B, M), bool), lengths)
    return network, _initialized(network, batch), batch


@functools.partial(jax.jit, static_argnums=0)
def _initialized(network, batch):
    return network.init(KEY, batch)


@every_form
def test_padding_of_the_source_changes_nothing(form):
    network, params, batch = made(form)
    real = np.arange(T + 2)[:, None] < LENGTHS[:, None, None]
    longer = np.where(real, np.pad(batch.inputs, ((0, 0), (0, 2), (0, 0))), np.float32(1e3))
    free = jax.jit(lambda batch: (network.apply(params, batch), free_run(network, params, batch)))
    pairs = zip(free(batch), free(batch._replace(inputs=longer)), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, atol=1e-5)


@every_form
def test_free_running_equals_being_fed_what_was_written(form):
    network, params, batch = made(form)
    written, predictions = jax.jit(
        lambda: sample(network, params, batch.inputs, M, KEY, GREEDY, batch.lengths)
    )()
    fed = jax.jit(network.apply)(params, batch._replace(targets=written))
    np.testing.assert_allclose(fed, predictions, atol=1e-5)


@pytest.mark.parametrize("form", ["luong", "bahdanau"])
def test_outputs_depend_on_real_inputs_and_past_targets_only(form):
    network, params, batch = made(form, outputs=Vectors(2))

    def output(inputs, targets, j):
        return network.apply(params, batch._replace(inputs=inputs, targets=targets))[:, j].sum()

    gradients = jax.jit(jax.vmap(jax.grad(output, (0, 1)), (None, None, 0)))
    reads, writes = jax.device_get(gradients(batch.inputs, batch.targets, np.arange(M)))
    real = np.arange(T) < LENGTHS[:, None]
    for j in range(M):
        np.testing.assert_array_equal(np.any(reads[j] != 0, axis=-1), real)
        past = np.broadcast_to(np.arange(M) < j, (B, M))
        np.testing.assert_array_equal(np.any(writes[j] != 0, axis=-1), past)


@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention_is_a_mean_over_what_is_real(name):
    attention = ATTENTIONS[name](H)
    random = np.random.default_rng(0)
    values, queries = (np.float32(random.standard_normal(shape)) for shape in ((B, T, 4), (B, M, H)))
    real = np.arange(T) < LENGTHS[:, None]

    @jax.jit
    def run():
        params = attention.init(KEY, 4, attention.features)
        return attention.attend(params, queries, attention.memory(params, values, real))

    context, weights = jax.device_get(run())
    assert not weights[np.broadcast_to(~real[:, None], weights.shape)].any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(context[0], weights[0] @ values[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_attention_weights_are_those_of_the_predictions(form):
    network, params, batch = made(form)
    decoder, find = network.decoder, functools.partial(attention_weights, network)
    weights = jax.jit(find)(params, batch)
    if weights is None:
        assert decoder.attention is None
        return

    @jax.jit
    def both(params, weights):
        state = network.first_state(params, batch.inputs, batch.lengths)
        inputs, _ = decoder.unroll(params["decoder"], state, batch.targets)
        _, hidden = decoder.stack.apply(params["decoder"]["recurrence"], inputs, None, state.carries)
        joined = jnp.concatenate([hidden, weights @ state.memory.values], axis=-1)
        attended = jnp.tanh(joined @ params["decoder"]["combine"]["kernel"])
        return network.read_out(params, attended), network.apply(params, batch)

    np.testing.assert_allclose(*both(params, weights), atol=1e-5)


def test_attention_scores_are_those_of_the_papers():
    query, value = np.array([0.3, -0.7, 0.2]), np.array([1.5, 0.4])
    for name, score in (
        ("luong", lambda p: query @ (value @ p["keys"])),
        ("bahdanau", lambda p: np.tanh(query @ p["queries"] + value @ p["keys"]) @ p["score"]),
    ):
        attention = ATTENTIONS[name](3)
        params = attention.init(KEY, 2, attention.features)
        memory = attention.memory(params, np.float32([[value]]), np.ones((1, 1), bool))
        found = attention.scores(params, np.float32([[query]]), memory.keys)
        kernels = {part: np.asarray(params[part]["kernel"]) for part in params}
        np.testing.assert_allclose(np.ravel(found), np.ravel(score(kernels)), rtol=1e-5)


@pytest.mark.parametrize("form", ["plain", "luong"])
def test_step_by_step_equals_one_scan(form):
    """A traced rate of 0 takes its steps one by one: predictions and gradients are those of one scan."""
    network, params, batch = made(form)

    def loss(params, probes, rate, key):
        taken = dataclasses.replace(network, scheduled_sampling=rate)
        return jnp.sum(jnp.sin(taken.apply(params, batch, key, probes)))

    probes = network.zero_probes(params, batch)
    at_once, stepwise = (
        jax.jit(jax.value_and_grad(functools.partial(loss, rate=rate, key=key), (0, 1)))(params, probes)
        for rate, key in ((0.0, None), (jnp.float32(0), KEY))  # an array is traced
    )
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), at_once, stepwise)
    assert list(probes) == list(network.layer_lengths(batch))
    assert [layer for layer in probes if not layer.endswith("inputs")] == list(network.layer_params(params))
    for layer, directions in at_once[1][1].items():
        reads = layer.startswith("encoder/")
        real = np.arange(T) < LENGTHS[:, None] if reads else np.ones((B, M), bool)
        for leaf in jax.tree.leaves(directions)[-1:]:
            np.testing.assert_array_equal(np.asarray(leaf) > 0, real)


def test_scheduled_sampling_has_the_rate_of_the_stage_and_is_off_in_evaluation():
    network, params, batch = made("plain", scheduled_sampling=0.5)
    taught, _, _ = made("plain")
    apply = jax.jit(
        lambda rate, key: dataclasses.replace(network, scheduled_sampling=rate).apply(params, batch, key)
    )
    forced = np.asarray(jax.jit(taught.apply)(params, batch))
    np.testing.assert_allclose(apply(0.0, KEY), forced, atol=1e-6)
    without_key = dataclasses.replace(network, scheduled_sampling=0.9)
    np.testing.assert_array_equal(jax.jit(without_key.apply)(params, batch), forced)
    own = np.stack([apply(0.999, jax.random.key(seed)) for seed in range(8)])
    np.testing.assert_allclose(own[:, :, 0], np.broadcast_to(forced[:, 0], own[:, :, 0].shape), atol=1e-6)
    assert (np.abs(own[:, :, 1:] - forced[:, 1:]).max(axis=(1, 2, 3)) > 1e-4).any()
    assert network.at_stage(jnp.float32(0.5)).scheduled_sampling == 0.25
    assert taught.at_stage(jnp.float32(0.5)) is taught


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"attention": "dot"}, "attention must be one of null, bahdanau, luong, got 'dot'"),
        ({"input_feeding": True}, "input_feeding must be false, or attention one of bahdanau, luong"),
        ({"attention": "bahdanau", "zoneout": 0.1}, r"architecture\.zoneout must be 0 where .*"),
        ({"scheduled_sampling": 1.5}, "scheduled_sampling must be a finite number, at least 0 and below 1.*"),
        ({"tied": True, "embedding": 5}, r"architecture\.embedding must be 6, .* got 5"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(settings, line):
    with pytest.raises(ValueError, match=f"^{line}$"):
        made("plain", **settings)


def test_truncation_is_refused():
    with pytest.raises(IncompatibleError, match=r"^training\.bptt_window=2 does not fit .* null$"):
        made("plain")[0].check_backward(Backward(truncation=Truncation(2, 2)))
