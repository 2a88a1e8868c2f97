"""Architectures: which steps they read, and which outputs they predict."""

from __future__ import annotations

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


def batch_for(form, inputs, outputs, lengths=None):
    keys = iter(jax.random.split(KEY, 4))

    def draw(spec, *shape):
        if isinstance(spec, Tokens):
            return jax.random.randint(next(keys), shape, 0, spec.size)
        return jax.random.normal(next(keys), (*shape, spec.size))

    reads = () if form is OneToMany else (T,)
    writes = () if form in (ManyToOne, OneToOne) else (T,)
    return Batch(draw(inputs, B, *reads), draw(outputs, B, *writes), jnp.ones((B, *writes), bool), lengths)


def made(form, cell=CELLS[0], inputs=_READS, outputs=_WRITES, lengths=None, **settings):
    network = form(cell=cell, inputs=inputs, outputs=outputs, **settings)
    batch = batch_for(form, inputs, outputs, lengths)
    return network, network.init(KEY, batch), batch


@pytest.mark.parametrize("form", [OneToOne, OneToMany, ManyToOne, ManyToMany])
@pytest.mark.parametrize("inputs", [Tokens(V), Vectors(F)], ids=str)
@pytest.mark.parametrize("outputs", [Tokens(num_outputs), Vectors(num_outputs)], ids=str)
@pytest.mark.parametrize("embedding", [None, 7])
def test_outputs_have_the_targets_positions(form, inputs, outputs, embedding):
    network, params, batch = made(form, inputs=inputs, outputs=outputs, embedding=embedding)
    predictions = jax.jit(network.apply)(params, batch)
    positions = batch.mask.shape
    assert predictions.shape == (*positions, num_outputs)
    assert predictions.dtype == jnp.float32


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
@pytest.mark.parametrize("form", [OneToOne, ManyToOne, ManyToMany])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(cell, form, bidirectional):
    settings = {} if form is OneToOne else {"bidirectional": bidirectional, "num_layers": 2}
    lengths = jnp.array([T, 2, 4])
    network, params, batch = made(form, cell, inputs=Vectors(F), lengths=lengths, **settings)
    real = jnp.arange(T) < lengths[:, None]
    other = batch._replace(inputs=jnp.where(real[..., None], batch.inputs, 1e3))
    apply = jax.jit(network.apply)
    first, second = (apply(params, which) for which in (batch, other))
    if form is ManyToMany:
        first, second = (jnp.where(real[..., None], which, 0) for which in (first, second))
    np.testing.assert_allclose(first, second, atol=1e-6)


def reads(network, params, batch, position):
    """Return which input steps the output at a position depends on."""

    def output(inputs):
        return network.apply(params, batch._replace(inputs=inputs))[0, position].sum()

    return jnp.any(jax.jit(jax.grad(output))(batch.inputs)[0] != 0, axis=-1)


@pytest.mark.parametrize("t", range(T))
def test_many_to_many_is_causal(t):
    network, params, batch = made(ManyToMany, inputs=Vectors(F))
    np.testing.assert_array_equal(reads(network, params, batch, t), jnp.arange(T) <= t)


def test_bidirectional_many_to_many_reads_everything():
    network, params, batch = made(ManyToMany, inputs=Vectors(F), bidirectional=True)
    assert reads(network, params, batch, 2).all()


def test_many_to_one_ends_at_the_last_real_step():
    network, params, batch = made(ManyToOne, inputs=Vectors(F), lengths=jnp.array([4, T, T]))
    total = jax.jit(jax.grad(lambda x: network.apply(params, batch._replace(inputs=x))[0].sum()))
    gradient = total(batch.inputs)
    np.testing.assert_array_equal(jnp.any(gradient[0] != 0, axis=-1), jnp.arange(T) < 4)


def test_one_to_many_reads_its_own_past_targets_only():
    network, params, batch = made(OneToMany, outputs=Vectors(num_outputs))

    def output(targets, t):
        return network.apply(params, batch._replace(targets=targets))[0, t].sum()

    gradient_at = jax.jit(jax.grad(output))
    for t in range(T):
        gradient = gradient_at(batch.targets, t)[0]
        np.testing.assert_array_equal(jnp.any(gradient != 0, axis=-1), jnp.arange(T) < t)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_free_running_equals_being_fed_what_was_written(cell):
    network, params, batch = made(OneToMany, cell, num_layers=2)
    written, _ = sample(network, params, batch.inputs, T, KEY, GREEDY)
    fed = network.apply(params, batch._replace(targets=written))
    np.testing.assert_array_equal(jnp.argmax(fed, axis=-1), written)


@pytest.mark.parametrize("form", [ManyToOne, ManyToMany])
def test_continuation_equals_reading_everything_again(form):
    network, params, batch = made(form, outputs=Tokens(V))
    written, _ = sample(network, params, batch.inputs, 4, KEY, GREEDY)
    inputs = batch.inputs
    for t in range(4):
        predictions = network.apply(params, batch._replace(inputs=inputs))
        chosen = jnp.argmax(predictions if form is ManyToOne else predictions[:, -1], axis=-1)
        np.testing.assert_array_equal(written[:, t], chosen)
        drop = 1 if form is ManyToOne else 0
        inputs = jnp.concatenate([inputs[:, drop:], chosen[:, None]], axis=1)


def test_samples_follow_the_key_and_the_temperature():
    network, params, batch = made(OneToMany)

    def write(seed, heat):
        return sample(network, params, batch.inputs, 40, jax.random.key(seed), Sampling(heat))[0]

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
    np.testing.assert_array_equal(network.apply(params, batch), network.apply(params, batch))
    first, again, other = (network.apply(params, batch, jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("form", [ManyToOne, ManyToMany])
def test_generation_continues_from_the_last_real_step(form):
    """Whatever the padding holds, what follows is what follows the real steps alone."""
    network, params, batch = made(form, outputs=Tokens(V), lengths=jnp.full(B, 3))
    alone = sample(network, params, batch.inputs[:, :3], 1, KEY, GREEDY)
    padded = sample(network, params, batch.inputs, 1, KEY, GREEDY, batch.lengths)
    np.testing.assert_array_equal(alone[0], padded[0])
    np.testing.assert_allclose(alone[1], padded[1], atol=1e-6)


@pytest.mark.parametrize("form", [OneToMany, ManyToOne, ManyToMany])
def test_tied_networks_read_out_with_their_embedding(form):
    network, params, batch = made(form, outputs=Tokens(V), tied=True, embedding=5)
    kernel = network.feedback_embedding(params).T
    untied = form(cell=network.cell, inputs=_READS, outputs=Tokens(V), embedding=5)
    assert set(params["readout"]) == {"bias"}
    apart = {**params, "readout": {**params["readout"], "kernel": kernel}}
    np.testing.assert_array_equal(network.apply(params, batch), untied.apply(apart, batch))


@pytest.mark.parametrize(
    ("form", "outputs", "embedding"),
    [(OneToMany, Tokens(V), 4), (ManyToMany, Tokens(V + 1), 5), (ManyToMany, Tokens(V), 4)],
)
def test_what_cannot_be_tied_is_refused_in_one_line(form, outputs, embedding):
    with pytest.raises(IncompatibleError, match=r"^architecture\.(tied=true|embedding) .*$"):
        made(form, outputs=outputs, tied=True, embedding=embedding)
