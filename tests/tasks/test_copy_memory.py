"""The copy memory task: symbols, delay and marker."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.metrics import metric
from seqlab.tasks import SPLITS, load_task


@pytest.mark.parametrize("split", SPLITS)
def test_the_oracle_is_always_right(split):
    batch = batch_of(load_task("copy_memory", length=6, curriculum="uniform"), jax.random.key(0), 64, split)
    for x, y, real, steps in zip(*map(np.asarray, batch[:4]), strict=True):
        T = steps - 20
        symbols = x[:10]
        assert symbols.max() < 8
        np.testing.assert_array_equal(x[10:steps], [8] * (T - 1) + [9] + [8] * 10)
        np.testing.assert_array_equal(y[:steps], [8] * (T + 10) + symbols.tolist())
        np.testing.assert_array_equal(real, np.arange(26) < steps)


def test_every_symbol_is_as_likely_at_every_place():
    symbols = np.asarray(batch_of(load_task("copy_memory"), jax.random.key(0), 4096).inputs)[:, :10]
    counts = np.stack([np.bincount(place, minlength=8) for place in symbols.T])
    np.testing.assert_allclose(counts, 512, atol=5 * np.sqrt(512))
    apart = symbols[:, :, None] == symbols[:, None, :]
    share = apart.mean(axis=0)[~np.eye(10, dtype=bool)]
    np.testing.assert_allclose(share, 1 / 8, atol=5 * np.sqrt(7 / 64 / 4096))


@pytest.mark.parametrize("fields", [{}, {"length": 5, "curriculum": "uniform"}])
def test_the_chance_level_is_that_of_who_remembers_nothing(fields):
    """Blanks up to the marker, then eight symbols alike: exact, whatever the symbols are."""
    task = load_task("copy_memory", **fields)
    batch = task.sample(jax.random.key(0), jnp.array(task.sequence_lengths.evaluated), "test", "many_to_many")
    after = (jnp.arange(task.length + 20) >= batch.lengths[:, None] - 10)[..., None]
    blank = jnp.arange(9) == 8
    logits = jnp.where(blank == after, -jnp.inf, 0.0)
    value = metric("cross_entropy", logits, batch).value
    reference = task.reference("many_to_many")
    assert float(value) == pytest.approx(reference.baseline, rel=1e-6)
    if not fields:
        assert reference.baseline == pytest.approx(10 * math.log(8) / 50)
