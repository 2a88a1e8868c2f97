"""Buckets of rows by length: the least padding, all rows equally probable, and no step lost."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_corpora import stand_in

from seqlab.tasks import load_task
from seqlab.tasks.buckets import bucket_ends, divide, in_bucket
from seqlab.types import ConfigError

TASKS = (
    *("text_classification", "tagging", "text_pairs", "frames"),
    *("labelled_series", "labelled_sounds", "transcription"),
)


def num_steps(ordered, ends):
    return sum(len(part) * part[-1] for part in np.split(ordered, ends[:-1]) if len(part))


@pytest.mark.parametrize("count", [1, 2, 3, 50])
@pytest.mark.parametrize("seed", range(3))
def test_buckets_have_the_least_padding(count, seed):
    ordered = np.sort(np.random.default_rng(seed).geometric(0.2, 12))
    ends = bucket_ends(ordered, count)
    assert ends[-1] == 12
    assert len(ends) == min(count, len(np.unique(ordered)))
    cuts = itertools.combinations_with_replacement(range(1, 13), min(count, 3) - 1)
    least = min(num_steps(ordered, np.array([*cut, 12])) for cut in cuts)
    assert num_steps(ordered, ends) <= least
    assert (num_steps(ordered, ends) == ordered.sum()) == (len(ends) == len(np.unique(ordered)))


def test_long_rows_of_many_lengths_need_little_memory():
    ends = bucket_ends(np.arange(1, 20_001), 4)
    np.testing.assert_allclose(ends, [5000, 10_000, 15_000, 20_000], atol=40)


@pytest.mark.parametrize("balance", [False, True])
def test_a_row_is_as_probable_as_without_buckets(balance):
    draw = np.random.default_rng(0)
    arrays = {"lengths": draw.integers(1, 30, 40), "labels": np.repeat([0, 1], [30, 10])}
    buckets = divide(arrays, 3, balance)
    weights = 1 / np.bincount(arrays["labels"])[arrays["labels"]] if balance else np.ones(40)
    for share, rows in zip(buckets.shares, np.split(buckets.order, buckets.ends[:-1]), strict=True):
        np.testing.assert_allclose(share, weights[rows].sum() / weights.sum())
    drawn = np.asarray(jax.vmap(buckets.at)(jnp.arange(4000)))
    np.testing.assert_allclose(np.bincount(drawn) / 4000, buckets.shares, atol=0.03)


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_is_cut_to_its_bucket_and_loses_nothing(name):
    task = load_task(name, **stand_in(name), length_buckets=3)
    framing = task.framings[0]
    buckets = task.buckets(framing)
    assert len(buckets) > 1 or len(set(task.encoded.arrays["train"]["lengths"].tolist())) == 1

    @jax.jit
    def draw(step, data):
        return task.batch(jax.random.key(1), 8, "train", framing, in_bucket(data, buckets, step))

    for step in range(4):
        batch, bucket = draw(step, task.data), int(buckets.at(jnp.int32(step)))
        cut = buckets.cut(batch, bucket)
        assert cut.inputs.shape[1] == buckets.lengths[bucket]
        assert int(cut.mask.sum()) == int(batch.mask.sum())
        if batch.lengths is not None:
            assert int(batch.lengths.max()) <= cut.inputs.shape[1]
            shorter = buckets.lengths[bucket - 1] if bucket and buckets.target_lengths is None else 0
            assert int(batch.lengths.min()) > shorter


def test_a_framing_without_steps_has_no_buckets():
    task = load_task("text_classification", **stand_in("text_classification"), length_buckets=3)
    assert task.buckets("one_to_one") is None
    assert load_task("tagging", **stand_in("tagging")).buckets("many_to_many") is None


@pytest.mark.parametrize("count", [0, -1, 1.5, None])
def test_no_number_of_buckets_is_refused(count):
    with pytest.raises(ConfigError, match=r"length_buckets must be a positive integer"):
        load_task("tagging", **stand_in("tagging"), length_buckets=count)
