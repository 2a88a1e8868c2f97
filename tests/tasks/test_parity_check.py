"""Parity of bit strings: oracle, splits and lengths."""

import jax
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import SPLITS, load_task


@pytest.mark.parametrize("split", SPLITS)
def test_the_oracle_is_always_right(split):
    task, key = load_task("parity_check", length=9), jax.random.key(0)
    batches = (batch_of(task, key, 64, split, framing) for framing in task.framings)
    last, running, at_once = (jax.tree.map(np.asarray, batch) for batch in batches)
    for bits, length, parity in zip(last.inputs, last.lengths, last.targets, strict=True):
        assert int(parity) == np.sum(bits[:length]) % 2
    for bits, length, parities in zip(running.inputs, running.lengths, running.targets, strict=True):
        for step in range(length):
            assert int(parities[step]) == np.sum(bits[: step + 1]) % 2
    np.testing.assert_array_equal(at_once.inputs, last.inputs)
    np.testing.assert_array_equal(at_once.targets, last.targets)


def test_the_worked_example_of_the_docstring():
    task = load_task("parity_check", length=4)
    batch = batch_of(task, jax.random.key(0), 64, "train", "many_to_many")
    row = np.flatnonzero((np.asarray(batch.inputs) == [0, 1, 1, 1]).all(axis=1))[0]
    np.testing.assert_array_equal(batch.targets[row], [0, 1, 0, 1])


def test_no_sequence_occurs_in_two_splits_and_none_is_missing():
    task = load_task("parity_check", length=6)
    seen = []
    for split in SPLITS:
        batch = batch_of(task, jax.random.key(0), 4096, split)
        bits, lengths = np.asarray(batch.inputs).tolist(), batch.lengths.tolist()
        seen.append({tuple(row[:length]) for row, length in zip(bits, lengths, strict=True)})
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    assert sum(map(len, seen)) == 2**4 + 2**5 + 2**6


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("architecture", ["many_to_one", "many_to_many"])
def test_the_chance_level_is_that_of_either_constant(split, architecture):
    task = load_task("parity_check")
    batch = batch_of(task, jax.random.key(0), 4096, split, architecture)
    share_of_ones = np.asarray(batch.targets)[np.asarray(batch.mask)].mean()
    assert share_of_ones == pytest.approx(task.reference(architecture).baseline, abs=4 * 0.5 / np.sqrt(4096))


def test_lengths_are_uniform():
    batch = batch_of(load_task("parity_check", length=11), jax.random.key(0), 4096)
    counts = np.bincount(batch.lengths, minlength=12)[4:]
    np.testing.assert_allclose(counts, 512, atol=5 * np.sqrt(512))
    assert counts.sum() == 4096


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_examples_of_one_length(length):
    x, y, mask = load_task("parity_check").examples(jax.random.key(0), length, 16)
    assert x.shape == (16, length)
    assert y.shape == mask.shape == (16, 1)
    assert x.dtype == y.dtype == np.int32
    assert mask.all()
    np.testing.assert_array_equal(y[:, 0], [sum(row) % 2 for row in x.tolist()])
    assert set(np.unique(x)) == {0, 1}


def test_the_fingerprint_covers_the_rule_of_the_splits(monkeypatch):
    from seqlab.tasks import _fingerprint
    from seqlab.tasks.languages import _disjoint_splits

    task = load_task("parity_check")
    before = task.fingerprint()
    monkeypatch.setattr(_disjoint_splits, "move_to_split", lambda key, strings, *_, **__: strings)
    _fingerprint._program.cache_clear()  # what an equal task has traced does not see the change
    assert task.fingerprint() != before
