"""Tasks whose solution is a dynamical system, compared with loops in plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

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


def test_the_signal_that_the_context_names_is_integrated():
    task, choices = drawn("context_integration", length=12, curriculum="uniform")
    integrals = jax.device_get(batch_of(task, jax.random.key(0), 64, framing="many_to_many"))
    np.testing.assert_array_equal(choices.inputs, integrals.inputs)
    for read, target, length in zip(integrals.inputs, integrals.targets, integrals.lengths, strict=True):
        context = int(read[0, 3])
        assert read[:length, 2:].tolist() == [[1 - context, context]] * length
        np.testing.assert_allclose(target[:length, 0], 0.1 * np.cumsum(read[:length, context]), atol=1e-5)


def test_the_ideal_observer_takes_the_sign_of_the_whole_integral():
    task, batch = drawn("context_integration", size=8192, length=8, noise=1.0)
    context = batch.inputs[:, :, 3].astype(int)[..., None]
    relevant = np.take_along_axis(batch.inputs[..., :2], context, axis=-1).sum(axis=(1, 2))
    right = np.mean((relevant > 0) == batch.targets)
    assert right == pytest.approx(task.ideal_accuracy(), abs=4 * 0.5 / np.sqrt(8192))
    assert task.reference("many_to_one").threshold == pytest.approx(task.ideal_accuracy() - 0.02)
    assert load_task("context_integration", noise=0.0).ideal_accuracy() == 1


def test_an_interval_is_produced_after_it_was_measured():
    _, batch = drawn("ready_set_go", length=6, min_length=2, max_delay=3)
    delays = set()
    for read, target, mask, length in zip(
        batch.inputs[..., 0], batch.targets[..., 0], batch.mask, batch.lengths, strict=True
    ):
        ready, stop = np.flatnonzero(read).tolist()
        interval = stop - ready
        assert length == 3 + 2 * interval + 1
        assert np.flatnonzero(mask).tolist() == list(range(stop + interval + 1))
        rise = [max(0, step - stop) / interval for step in range(stop + interval + 1)]
        np.testing.assert_allclose(target[mask], rise, rtol=1e-6)
        assert not target[~mask].any()
        delays.add(ready)
    assert delays == {0, 1, 2, 3}


def test_each_input_has_a_sine_of_its_own_frequency():
    _, batch = drawn("sine_generator", length=70)
    numbers = (batch.inputs[:, :1, 0].astype(float) - 0.25) * 51
    sines = np.sin(2 * np.pi * (9 + numbers.round()) * np.arange(70) / 600)
    np.testing.assert_allclose(batch.targets[..., 0], sines, atol=1e-6)
    assert numbers.min() >= 1 - 1e-4
    assert numbers.max() <= 51 + 1e-4
    assert (batch.inputs == batch.inputs[:, :1]).all()
