"""Temporal XOR: the third bits, and the lower bound of the loss."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.metrics import metric
from seqlab.tasks import SPLITS, load_task


@pytest.mark.parametrize("split", SPLITS)
def test_the_oracle_is_right_at_every_third_bit(split):
    batch = batch_of(load_task("temporal_xor", length=8, curriculum="uniform"), jax.random.key(0), 64, split)
    for x, y, real, T in zip(*map(np.asarray, batch[:4]), strict=True):
        bits = [*x[:T], y[T - 1]]
        np.testing.assert_array_equal(bits[1:], y[:T])
        for t in range(2, T + 1, 3):
            assert bits[t] == bits[t - 1] ^ bits[t - 2]
        np.testing.assert_array_equal(real, np.arange(8) < T)


def test_one_bit_tells_nothing_of_the_next():
    batch = jax.tree.map(np.asarray, batch_of(load_task("temporal_xor", length=9), jax.random.key(0), 4096))
    for bit in (0, 1):
        seen = batch.inputs == bit
        ones = (batch.targets * seen).sum(axis=0) / seen.sum(axis=0)
        np.testing.assert_allclose(ones, 0.5, atol=5 * 0.5 / np.sqrt(2048 - 5 * 32))


@pytest.mark.parametrize("fields", [{}, {"length": 8}, {"length": 8, "curriculum": "uniform"}])
def test_the_floor_is_reached_by_who_knows_the_rule(fields):
    task = load_task("temporal_xor", **fields)
    batch = task.sample(jax.random.key(0), jnp.array(task.sequence_lengths.evaluated), "test", "many_to_many")
    before = jnp.pad(batch.inputs, ((0, 0), (1, 0)))[:, :-1]
    xor = jax.nn.one_hot(batch.inputs ^ before, 2)
    logits = jnp.where((jnp.arange(task.length) % 3 == 1)[:, None], 100 * xor, 0.0)
    value = metric("cross_entropy", logits, batch).value
    assert float(value) == pytest.approx(task.baselines("test", "many_to_many")["floor"], rel=1e-6)
    if not fields:
        assert task.floor == pytest.approx(2 / 3 * math.log(2))
