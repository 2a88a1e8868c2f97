"""Tasks whose solution is a dynamical system, compared with loops in plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.metrics import metric
from seqlab.tasks import load_task


def drawn(name, size=64, **fields):
    """Return a task and a batch of it as NumPy arrays."""
    task = load_task(name, **fields)
    return task, jax.device_get(jax.jit(lambda key: task.batch(key, size))(jax.random.key(0)))


def test_a_bit_is_the_sign_of_the_last_pulse():
    _, batch = drawn("flip_flop", length=20, num_bits=2, pulse_probability=0.3)
    assert set(np.unique(batch.inputs)) == {-1, 0, 1}
    assert (batch.inputs[:, 0] != 0).all()
    assert np.mean(batch.inputs[:, 1:] != 0) == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / (64 * 19 * 2)))
    held = np.zeros((64, 2))
    for step in range(20):
        held = np.where(batch.inputs[:, step] == 0, held, batch.inputs[:, step])
        np.testing.assert_array_equal(batch.targets[:, step], held)


def test_the_accuracy_of_bits_is_the_share_of_right_signs():
    task, batch = drawn("flip_flop", length=5, min_length=2, curriculum="uniform")
    predictions = np.random.default_rng(0).normal(size=batch.targets.shape).astype(np.float32)
    logits, signs = task.part("bits", jnp.asarray(predictions), jax.tree.map(jnp.asarray, batch))
    found = metric("accuracy", logits, signs)
    right = (np.sign(predictions) == batch.targets)[batch.mask]
    assert float(found.value) == pytest.approx(right.mean())
