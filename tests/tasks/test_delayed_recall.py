"""Delayed recall: the first symbol and the blanks."""

import jax
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import SPLITS, load_task
from seqlab.types import ConfigError


@pytest.mark.parametrize("split", SPLITS)
def test_the_oracle_is_always_right_and_every_symbol_as_likely(split):
    task = load_task("delayed_recall", length=5, curriculum="uniform", num_symbols=4)
    batch = jax.tree.map(np.asarray, batch_of(task, jax.random.key(0), 2048, split))
    np.testing.assert_array_equal(batch.targets, batch.inputs[:, 0])
    steps = np.arange(6)
    waiting = (steps > 0) & (steps < batch.lengths[:, None])
    assert set(batch.inputs[waiting]) == {4}
    assert set(batch.lengths) == {2, 3, 4, 5, 6}
    counts = np.bincount(batch.targets, minlength=4)
    np.testing.assert_allclose(counts, 512, atol=5 * np.sqrt(512))
    assert task.reference("many_to_one").baseline == pytest.approx(1 / 4, abs=0.06)


def test_one_symbol_is_refused():
    with pytest.raises(ConfigError, match=r"^task\.num_symbols must be an integer of at least 2, got 1$"):
        load_task("delayed_recall", num_symbols=1)
