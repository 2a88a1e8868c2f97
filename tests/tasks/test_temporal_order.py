"""Temporal order: classes, places and distractors."""

import jax
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import SPLITS, load_task
from seqlab.types import ConfigError

TENTHS = {2: [(1, 2), (4, 5)], 3: [(1, 2), (3, 4), (6, 7)]}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("num_symbols", [2, 3])
def test_the_oracle_is_always_right(num_symbols, split):
    task = load_task("temporal_order", length=30, curriculum="uniform", num_symbols=num_symbols)
    batch = jax.tree.map(np.asarray, batch_of(task, jax.random.key(0), 512, split))
    for symbols, T, y in zip(batch.inputs, batch.lengths, batch.targets, strict=True):
        found = np.flatnonzero(symbols[:T] < 2)
        assert len(found) == num_symbols
        assert "".join(map(str, symbols[found])) == f"{y:0{num_symbols}b}"
        for t, (low, high) in zip(found, TENTHS[num_symbols], strict=True):
            assert low * T // 10 <= t < max(high * T // 10, low * T // 10 + 1)


@pytest.mark.parametrize("num_symbols", [2, 3])
def test_classes_places_and_distractors_are_uniform(num_symbols):
    task = load_task("temporal_order", length=40, num_symbols=num_symbols)
    batch = jax.tree.map(np.asarray, batch_of(task, jax.random.key(0), 4096))
    counts = np.bincount(batch.targets, minlength=2**num_symbols)
    expected = 4096 * task.reference("many_to_one").baseline
    np.testing.assert_allclose(counts, expected, atol=5 * np.sqrt(expected))
    marked = (batch.inputs < 2).sum(axis=0)
    places = [t for low, high in TENTHS[num_symbols] for t in range(4 * low, 4 * high)]
    np.testing.assert_allclose(marked[places], 1024, atol=5 * np.sqrt(1024))
    assert marked.sum() == marked[places].sum()
    distractors = np.bincount(batch.inputs.ravel())[2:]
    assert len(distractors) == 4
    np.testing.assert_allclose(distractors / distractors.sum(), 1 / 4, atol=0.01)


def test_four_symbols_are_refused():
    with pytest.raises(ConfigError, match=r"^task\.num_symbols must be one of 2, 3, got 4$"):
        load_task("temporal_order", num_symbols=4)
