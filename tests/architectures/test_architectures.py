"""Architectures: which steps they read, and which outputs they predict."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.architectures import ManyToMany, ManyToOne, OneToMany, OneToOne
from seqlab.cells import GRU, LSTM, Elman
from seqlab.generation.decoding import GREEDY, Sampling, sample
from seqlab.types import Batch, ConfigError, IncompatibleError, Tokens, Vectors

CELLS = [Elman(5), LSTM(5), GRU(5)]
KEY = jax.random.key(0)
B, T, V, F, num_outputs = 3, 6, 4, 2, 3

_READS, _WRITES = Tokens(V), Tokens(num_outputs)


def written_by(network, params, inputs, length, lengths=None):
    """Return the most probable outputs and the predictions that they are chosen from."""
    return jax.device_get(jax.jit(lambda: sample(network, params, inputs, length, KEY, GREEDY, lengths))())


def batch_for(form, inputs, outputs, lengths=None):
    random = np.random.default_rng(0)

    def draw(spec, *shape):
        if isinstance(spec, Tokens):
            return random.integers(0, spec.size, shape, dtype="int32")
        return np.float32(random.standard_normal((*shape, spec.size)))

    reads = () if form is OneToMany else (T,)
    writes = () if form in (ManyToOne, OneToOne) else (T,)
    return Batch(draw(inputs, B, *reads), draw(outputs, B, *writes), np.ones((B, *writes), bool), lengths)


def made(form, cell=CELLS[0], inputs=_READS, outputs=_WRITES, lengths=None, **settings):
    network = form(cell=cell, inputs=inputs, outputs=outputs, **settings)
    batch = batch_for(form, inputs, outputs, lengths)
    return network, jax.device_get(jax.jit(network.init)(KEY, batch)), batch


@pytest.mark.parametrize("form", [OneToOne, OneToMany, ManyToOne, ManyToMany])
@pytest.mark.parametrize("inputs", [Tokens(V), Vectors(F)], ids=str)
@pytest.mark.parametrize("outputs", [Tokens(num_outputs), Vectors(num_outputs)], ids=str)
@pytest.mark.parametrize("embedding", [None, 7])
def test_outputs_have_the_targets_positions(form, inputs, outputs, embedding):
    network = form(cell=CELLS[0], inputs=inputs, outputs=outputs, embedding=embedding)
    batch = batch_for(form, inputs, outputs)
    predictions = jax.eval_shape(lambda: network.apply(network.init(KEY, batch), batch))
    positions = batch.mask.shape
    assert predictions.shape == (*positions, num_outputs)
    assert predictions.dtype == jnp.float32


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
@pytest.mark.parametrize("form", [OneToOne, ManyToOne, ManyToMany])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(cell, form, bidirectional):
    settings = {} if form is OneToOne else {"bidirectional": bidirectional, "num_layers": 2}
    lengths = np.array([T, 2, 4])
    network, params, batch = made(form, cell, inputs=Vectors(F), lengths=lengths, **settings)
    real = np.arange(T) < lengths[:, None]
    other = batch._replace(inputs=np.where(real[..., None], batch.inputs, np.float32(1e3)))
    apply = jax.jit(network.apply)
    first, second = (apply(params, which) for which in (batch, other))
    if form is ManyToMany:
        first, second = (np.where(real[..., None], which, 0) for which in (first, second))
    np.testing.assert_allclose(first, second, atol=1e-6)


def reads(network, params, batch, positions):
    """Return which input steps the outputs at some positions depend on, `(positions, T)`."""

    def output(inputs, position):
        return network.apply(params, batch._replace(inputs=inputs))[0, position].sum()

    slope = jax.jit(jax.grad(output))
    return np.array([np.any(np.asarray(slope(batch.inputs, t))[0] != 0, axis=-1) for t in positions])


def test_many_to_many_is_causal():
    network, params, batch = made(ManyToMany, inputs=Vectors(F))
    np.testing.assert_array_equal(reads(network, params, batch, range(T)), np.tri(T, dtype=bool))


def test_bidirectional_many_to_many_reads_everything():
    network, params, batch = made(ManyToMany, inputs=Vectors(F), bidirectional=True)
    assert reads(network, params, batch, [2]).all()


def test_many_to_one_ends_at_the_last_real_step():
    network, params, batch = made(ManyToOne, inputs=Vectors(F), lengths=np.array([4, T, T]))
    total = jax.jit(jax.grad(lambda x: network.apply(params, batch._replace(inputs=x))[0].sum()))
    gradient = np.asarray(total(batch.inputs))
    np.testing.assert_array_equal(np.any(gradient[0] != 0, axis=-1), np.arange(T) < 4)


def test_one_to_many_reads_its_own_past_targets_only():
    network, params, batch = made(OneToMany, outputs=Vectors(num_outputs))

    def output(targets, t):
        return network.apply(params, batch._replace(targets=targets))[0, t].sum()

    gradient_at = jax.jit(jax.grad(output))
    for t in range(T):
        gradient = np.asarray(gradient_at(batch.targets, t))[0]
        np.testing.assert_array_equal(np.any(gradient != 0, axis=-1), np.arange(T) < t)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_free_running_equals_being_fed_what_was_written(cell):
    network, params, batch = made(OneToMany, cell, num_layers=2)
    written, _ = written_by(network, params, batch.inputs, T)
    fed = jax.jit(network.apply)(params, batch._replace(targets=written))
    np.testing.assert_array_equal(np.argmax(fed, axis=-1), written)


@pytest.mark.parametrize("form", [ManyToOne, ManyToMany])
def test_continuation_equals_reading_everything_again(form):
    network, params, batch = made(form, outputs=Tokens(V))
    written, _ = written_by(network, params, batch.inputs, 4)
    inputs, apply = batch.inputs, jax.jit(network.apply)
    for t in range(4):
        predictions = np.asarray(apply(params, batch._replace(inputs=inputs)))
        chosen = np.argmax(predictions if form is ManyToOne else predictions[:, -1], axis=-1)
        np.testing.assert_array_equal(written[:, t], chosen)
        drop = 1 if form is ManyToOne else 0
        inputs = np.concatenate([inputs[:, drop:], np.int32(chosen[:, None])], axis=1)


def test_samples_follow_the_key_and_the_temperature():
    network, params, batch = made(OneToMany)

    @functools.partial(jax.jit, static_argnums=1)
    def sampled(key, heat):
        return sample(network, params, batch.inputs, 40, key, Sampling(heat))[0]

    def write(seed, heat):
        return np.asarray(sampled(jax.random.key(seed), heat))

    np.testing.assert_array_equal(write(1, 1.0), write(1, 1.0))
    assert (write(1, 1.0) != write(2, 1.0)).any()
    np.testing.assert_array_equal(write(1, 1e-6), write(2, 0.0))


def test_bidirectional_cannot_generate():
    network, params, batch = made(ManyToMany, bidirectional=True)
    with pytest.raises(ConfigError, match=r"architecture\.bidirectional"):
        sample(network, params, batch.inputs, 2, KEY)


@pytest.mark.parametrize("num_layers", [1, 2])
def test_dropout_acts_in_training_only(num_layers):
    network, params, batch = made(ManyToMany, num_layers=num_layers, dropout=0.5)
    apply = jax.jit(network.apply)
    np.testing.assert_array_equal(apply(params, batch), apply(params, batch))
    first, again, other = (np.asarray(apply(params, batch, jax.random.key(seed))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("form", [ManyToOne, ManyToMany])
def test_generation_continues_from_the_last_real_step(form):
    """Whatever the padding holds, what follows is what follows the real steps alone."""
    network, params, batch = made(form, outputs=Tokens(V), lengths=np.full(B, 3))
    alone = written_by(network, params, batch.inputs[:, :3], 1)
    padded = written_by(network, params, batch.inputs, 1, batch.lengths)
    np.testing.assert_array_equal(alone[0], padded[0])
    np.testing.assert_allclose(alone[1], padded[1], atol=1e-6)


@pytest.mark.parametrize("form", [OneToMany, ManyToOne, ManyToMany])
def test_tied_networks_read_out_with_their_embedding(form):
    network, params, batch = made(form, outputs=Tokens(V), tied=True, embedding=5)
    kernel = network.feedback_embedding(params).T
    untied = form(cell=network.cell, inputs=_READS, outputs=Tokens(V), embedding=5)
    assert set(params["readout"]) == {"bias"}
    apart = {**params, "readout": {**params["readout"], "kernel": kernel}}
    found, expected = jax.jit(network.apply)(params, batch), jax.jit(untied.apply)(apart, batch)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("form", "outputs", "embedding"),
    [(OneToMany, Tokens(V), 4), (ManyToMany, Tokens(V + 1), 5), (ManyToMany, Tokens(V), 4)],
)
def test_what_cannot_be_tied_is_refused_in_one_line(form, outputs, embedding):
    with pytest.raises(IncompatibleError, match=r"^architecture\.(tied=true|embedding) .*$"):
        made(form, outputs=outputs, tied=True, embedding=embedding)
