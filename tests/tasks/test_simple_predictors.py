"""Predictors that read no input: the best constant and the best answer at each place."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from draws import batch_of, evaluation_of

from seqlab.tasks import load_task
from seqlab.tasks._simple_predictors import BY_PLACE, CONSTANT

CONSTANTS = {
    "stack_manipulation": 0.47,
    "binary_addition": 0.49,
    "binary_multiplication": 0.48,
    "modular_arithmetic_brackets": 0.27,
    "delayed_recall": 1 / 8,
    "adding": 1 / 6,
    "temporal_xor": np.log(2),
}
"""What the best constant reaches, found apart from this code or by arithmetic."""


@pytest.mark.parametrize("name", CONSTANTS)
def test_the_best_constant_is_learnt_from_training(name):
    task = load_task(name)
    found = task.baselines("test", task.framings[0])
    assert found[CONSTANT] == pytest.approx(CONSTANTS[name], abs=0.02)


def test_sorted_strings_are_known_by_place():
    task = load_task("bucket_sort")
    found = task.baselines("test", "many_to_many")
    assert found[CONSTANT] == pytest.approx(0.2, abs=0.01)
    assert found[BY_PLACE] == pytest.approx(0.72, abs=0.015)
    assert task.baselines("test", "encoder_decoder") == pytest.approx(found, abs=1e-6)
    reference = task.reference("many_to_many")
    assert reference.baseline == found[BY_PLACE]
    assert reference.description == f"{BY_PLACE}; {CONSTANT} {found[CONSTANT]:.4g}"


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize(("name", "framing"), [("adding", "many_to_one"), ("sine_mixture", "many_to_many")])
def test_values_are_predicted_by_their_mean(name, framing, split):
    task = load_task(name, length=6, num_evaluation_examples=32)
    batch = jax.device_get(evaluation_of(task, jax.numpy.int32(0), 32, split, framing, task.data))
    found = task.baselines(split, framing)
    training = jax.device_get(batch_of(task, jax.random.key(20_201_123), 4096, "train", framing).targets)
    mean, at_place = training.mean(dtype=float), training.mean(axis=0, dtype=float)
    assert found[CONSTANT] == pytest.approx(np.mean((batch.targets - mean) ** 2), rel=1e-5)
    assert found[BY_PLACE] == pytest.approx(np.mean((batch.targets - at_place) ** 2), rel=1e-3)


def test_a_baseline_that_reaches_the_threshold_raises_it():
    task = load_task("even_pairs", length=1)  # one symbol is always answered alike
    assert task.reference("many_to_one").baseline == 1.0
    task = load_task("even_pairs", length=2, min_length=1, num_evaluation_examples=512)
    reference = task.reference("many_to_one")
    assert 0.7 < reference.baseline < reference.threshold


@pytest.mark.parametrize("name", ["copy_memory", "dyck", "an_bn"])
def test_the_splits_have_their_own_values(name):
    task = load_task(name, num_evaluation_examples=64)
    framing = task.framings[0]
    validation, test = (task.reference(framing, split) for split in ("validation", "test"))
    assert validation.baseline != test.baseline
    assert validation == task.reference(framing, "validation")
