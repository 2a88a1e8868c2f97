"""The adding problem: targets, markers and splits."""

import jax
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import SPLITS, load_task


@pytest.mark.parametrize("length", [2, 3, 10])
@pytest.mark.parametrize("split", SPLITS)
def test_the_oracle_is_always_right(split, length):
    task, key = load_task("adding", length=length), jax.random.key(0)
    batch = batch_of(task, key, 64, split)
    values, markers = np.moveaxis(np.asarray(batch.inputs), -1, 0)
    assert set(np.unique(markers)) <= {0, 1}
    np.testing.assert_array_equal(markers[:, : length // 2].sum(axis=1), 1)
    np.testing.assert_array_equal(markers[:, length // 2 :].sum(axis=1), 1)
    sums = [row[marked == 1].sum() for row, marked in zip(values, markers, strict=True)]
    np.testing.assert_allclose(batch.targets[:, 0], sums)
    at_once = batch_of(task, key, 64, split, "one_to_one")
    np.testing.assert_array_equal(at_once.inputs.reshape(64, length, 2), batch.inputs)
    np.testing.assert_array_equal(at_once.targets, batch.targets)


def test_every_position_is_marked():
    markers = batch_of(load_task("adding", length=7), jax.random.key(0), 512).inputs[..., 1]
    assert markers.any(axis=0).all()


def test_the_same_key_draws_other_examples_from_each_split():
    task = load_task("adding", length=5)
    train, validation, test = (
        batch_of(task, jax.random.key(0), 64, split).inputs[..., 0] for split in SPLITS
    )
    assert not set(map(tuple, train.tolist())) & set(map(tuple, validation.tolist()))
    assert not set(map(tuple, train.tolist())) & set(map(tuple, test.tolist()))
    assert not set(map(tuple, validation.tolist())) & set(map(tuple, test.tolist()))


def test_the_chance_level_is_the_error_of_the_constant_one():
    task = load_task("adding")
    errors = (np.asarray(batch_of(task, jax.random.key(0), 20_000).targets) - 1) ** 2
    standard_error = errors.std() / np.sqrt(len(errors))
    assert task.reference("many_to_one").baseline == pytest.approx(1 / 6, abs=0.02)
    assert errors.mean() == pytest.approx(1 / 6, abs=4 * standard_error)
