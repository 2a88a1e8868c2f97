"""Associative recall: queries, their gaps and their values."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import SPLITS, load_task
from seqlab.tasks.lengths import between
from seqlab.tasks.memory.associative_recall import choose
from seqlab.types import ConfigError


@pytest.mark.parametrize("split", SPLITS)
def test_the_oracle_is_always_right(split):
    K, V = 3, 9
    fields = {"length": 17, "min_length": 12, "curriculum": "uniform", "num_pairs": K, "num_tokens": V}
    batch = batch_of(load_task("associative_recall", **fields), jax.random.key(0), 128, split)
    for x, y, asked, T in zip(*map(np.asarray, batch[:4]), strict=True):
        pairs = dict(x[: 2 * K].reshape(K, 2).tolist())
        queries = np.flatnonzero(asked)
        assert set(pairs) <= set(range(1, V // 2))
        assert set(pairs.values()) <= set(range(V // 2, V))
        assert len(set(pairs.values())) == K
        assert sorted(x[queries]) == sorted(pairs)
        assert [pairs[key] for key in x[queries]] == y[queries].tolist()
        assert 2 * K <= queries.min() <= queries.max() < T
        assert not np.any(queries % 2)


def test_values_keys_and_noise_are_uniform():
    task = load_task("associative_recall", length=16, num_pairs=2, num_tokens=10)
    batch = jax.tree.map(np.asarray, batch_of(task, jax.random.key(0), 4096))
    values = np.bincount(batch.targets[batch.mask], minlength=10)[5:]
    np.testing.assert_allclose(values / 8192, task.reference("many_to_many").baseline, atol=0.02)
    keys = np.bincount(batch.inputs[:, :4:2].ravel(), minlength=5)[1:]
    np.testing.assert_allclose(keys / 8192, 1 / 4, atol=0.02)
    noise = np.bincount(batch.inputs[:, 5::2].ravel(), minlength=10)
    np.testing.assert_allclose(noise / noise.sum(), 1 / 10, atol=0.01)


@pytest.mark.parametrize("power", [0.01, 1.0])
def test_gaps_follow_the_power_law(power):
    fields = {"length": 14, "min_length": 4, "num_pairs": 1, "curriculum": "uniform", "power": power}
    task = load_task("associative_recall", **fields)
    for T in (10, 14):
        batch = batch_of(task, jax.random.key(0), 8192, data=between(T, T))
        counts = np.asarray(batch.mask).sum(axis=0)[2:T:2]
        law = np.arange(1.0, T // 2) ** (power - 1)
        np.testing.assert_allclose(counts / 8192, law / law.sum(), atol=5 * 0.5 / np.sqrt(8192))
        assert counts.sum() == 8192


def test_what_is_chosen_is_not_put_back():
    p = np.array([0.6, 0.3, 0.1])
    drawn = choose(jax.random.key(0), jnp.tile(jnp.log(p), (8192, 1)), 2)
    shares = np.histogram2d(*np.asarray(drawn).T, bins=3)[0] / 8192
    wanted = p[:, None] * p / (1 - p[:, None]) * (1 - np.eye(3))
    np.testing.assert_allclose(shares, wanted, atol=5 * 0.5 / np.sqrt(8192))


def test_few_keys_and_values_follow_the_law_of_one_draw_after_another():
    """All outcomes, with their probabilities from a draw of one token or gap after another."""
    power, keys, values = 0.3, (1, 2, 3), (4, 5)
    fields = {"num_tokens": 9, "num_keys": 3, "num_values": 2, "power": power}
    task = load_task("associative_recall", length=8, min_length=8, num_pairs=2, **fields)
    batch = jax.tree.map(np.asarray, batch_of(task, jax.random.key(3), 16384))
    law = {}
    for (k1, k2), (v1, v2) in itertools.product(*(itertools.permutations(x, 2) for x in (keys, values))):
        for first, later in ((0, 1), (1, 0)):  # the gaps of k1 and k2
            queries = (k1, k2) if first < later else (k2, k1)
            share = (first + 1) ** (power - 1) / (1 + 2 ** (power - 1))  # one gap is left for k2
            law[k1, v1, k2, v2, *queries] = share / 6 / 2
    found = collections.Counter(map(tuple, batch.inputs[:, [0, 1, 2, 3, 4, 6]].tolist()))
    assert set(found) == set(law)
    assert sum(law.values()) == pytest.approx(1)
    for outcome, share in law.items():
        assert found[outcome] / 16384 == pytest.approx(share, abs=5 * np.sqrt(share / 16384))
    assert set(batch.inputs[:, 5].tolist()) == set(range(9))  # noise, of all tokens


@pytest.mark.parametrize(("length", "num_pairs"), [(64, 4), (512, 64)])
def test_the_settings_of_the_paper_can_be_drawn(length, num_pairs):
    task = load_task("associative_recall", length=length, num_pairs=num_pairs, num_tokens=8192)
    batch = jax.tree.map(np.asarray, batch_of(task, jax.random.key(0), 2))
    assert (batch.mask.sum(axis=1) == num_pairs).all()
    assert (batch.targets[batch.mask] >= 4096).all()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"num_pairs": 17}, "length must be an integer of at least 68, got 64"),
        ({"num_tokens": 9}, r"num_tokens must be at least 10, as half of them are keys, got 9"),
        ({"num_keys": 3}, "num_keys must be at least num_pairs=4, got 3"),
        ({"num_values": 0}, "num_values must be a positive integer, got 0"),
        ({"num_values": 129}, "num_tokens must be at least 257, as half of them are keys, got 256"),
        ({"num_keys": 252}, "num_tokens must be at least 257 for 252 keys and 4 values, got 256"),
        ({"power": 0.0}, r"power must be above 0 and at most 1, got 0\.0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(fields, line):
    with pytest.raises(ConfigError, match=rf"^task\.{line}$"):
        load_task("associative_recall", **fields)
