"""Properties of all tasks, in all framings and splits."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_corpora import stand_in
from tiny_runs import FRAMINGS, NARROW, OWN

from seqlab.metrics import METRICS
from seqlab.tasks import load_task
from seqlab.types import IncompatibleError, Tokens, Transcript

pytestmark = pytest.mark.slow

SMALL = {
    "python_docs": {"length": 8},
    "text_corpus": {"length": 8} | stand_in("text_corpus"),
    "google_stock": {"length": 5},
    "frames": NARROW["frames"] | stand_in("frames"),
    "associative_recall": {"length": 7, "curriculum": "uniform", "num_evaluation_examples": 10}
    | NARROW["associative_recall"],
}
"""What a task's fields are in these tests, where they are not those of any generated task."""
SIZE = 4


def is_generated(task):
    return hasattr(task, "num_evaluation_examples")


@functools.cache
def small_task(name):
    return load_task(name, **small(name))


def small(name):
    generated = is_generated(load_task(name))
    return SMALL.get(name, {"length": 7, "num_evaluation_examples": 10} if generated else stand_in(name))


every_framing = pytest.mark.parametrize(("name", "architecture"), FRAMINGS)


def assert_same(batch, other):
    jax.tree.map(np.testing.assert_array_equal, batch, other)


def differ(batch, other):
    return any(not np.array_equal(a, b) for a, b in zip(batch[:2], other[:2], strict=True))


@every_framing
def test_a_batch_is_a_pure_function_of_its_key_jitted_or_not(name, architecture):
    task = small_task(name)
    batch = task.batch(jax.random.key(1), SIZE, "train", architecture)
    draw = jax.jit(lambda key, data: task.batch(key, SIZE, "train", architecture, data))
    assert_same(batch, draw(jax.random.key(1), task.data))
    assert differ(batch, draw(jax.random.key(2), task.data))


@pytest.mark.parametrize("split", ["train", "test"])
@every_framing
def test_shapes_and_types_agree_with_the_specs(name, architecture, split):
    task = small_task(name)
    batch = task.batch(jax.random.key(0), SIZE, split, architecture)
    form = "many_to_many" if architecture == "encoder_decoder" else architecture
    reads, _, writes = form.partition("_to_")
    for array, spec, steps in (
        (batch.inputs, task.input_spec(architecture), reads),
        (batch.targets, task.output_spec(architecture), writes),
    ):
        assert array.shape[0] == SIZE
        discrete = isinstance(spec, Tokens | Transcript)
        assert array.shape[1 + (steps == "many") :] == spec.shape
        assert array.dtype == (jnp.int32 if discrete else jnp.float32)
        if discrete:
            assert array.min() >= 0
            assert array.max() < spec.size
    assert batch.mask.dtype == jnp.bool_
    assert batch.mask.shape == batch.targets.shape[: 1 + (writes == "many")]


@every_framing
def test_lengths_say_what_is_real(name, architecture):
    task = small_task(name)
    batch = task.batch(jax.random.key(0), 64, "train", architecture)
    end = task.end_symbol(architecture)
    if architecture == "one_to_many" and end is not None:
        ends = np.asarray(batch.mask).sum(axis=1)
        np.testing.assert_array_equal(batch.mask, np.arange(batch.mask.shape[1]) < ends[:, None])
        assert (np.asarray(batch.targets)[np.arange(64), ends - 1] == end).all()
    if batch.lengths is None:
        assert batch.mask.all() or end is not None
        return
    real = np.arange(batch.inputs.shape[1]) < np.asarray(batch.lengths)[:, None]
    assert not np.asarray(batch.inputs)[~real].any()
    assert len(np.unique(batch.lengths)) > 1
    spec = small_task(name).output_spec(architecture)
    if architecture == "many_to_many" and not isinstance(spec, Transcript):
        assert not (np.asarray(batch.mask) & ~real).any()
    assert np.asarray(batch.mask).reshape(64, -1).any(axis=1).all()


@pytest.mark.parametrize("split", ["validation", "test"])
@every_framing
def test_the_evaluation_pass_is_fixed_and_ends_where_it_says(name, architecture, split):
    task = small_task(name)
    count = task.num_evaluation(split, architecture)
    last = (count - 1) // 64
    block = task.evaluation_batch(jnp.int32(last), 64, split, architecture, task.data)
    assert_same(block, task.evaluation_batch(jnp.int32(last), 64, split, architecture, task.data))
    rows = np.asarray(block.mask).reshape(64, -1).any(axis=1)
    np.testing.assert_array_equal(rows, np.arange(64) < count - 64 * last)


@every_framing
def test_the_goal_is_a_reported_metric_and_harder_than_chance(name, architecture):
    task = small_task(name)
    goal, reference = task.goal(architecture), task.reference(architecture)
    metrics = task.metrics(architecture)
    assert goal.metric.removeprefix("free_running/") in ("loss", *metrics, *task.scored)
    assert {name.rpartition("/")[2] for name in metrics} <= METRICS.keys()
    assert goal.improves(reference.threshold, reference.baseline)
    assert reference.is_solved(reference.threshold, goal.higher_is_better)
    assert not reference.is_solved(reference.baseline, goal.higher_is_better)


@pytest.mark.parametrize("name", OWN)
def test_a_framing_that_does_not_fit_is_refused_in_one_line(name):
    with pytest.raises(IncompatibleError, match=rf"^architecture=sideways does not fit task {name}: .*$"):
        small_task(name).batch(jax.random.key(0), SIZE, framing="sideways")


@pytest.mark.parametrize("name", OWN)
def test_data_are_concrete_even_where_jit_asks_first(name):
    task = load_task(name, **small(name))
    jax.jit(lambda key: task.batch(key, SIZE))(jax.random.key(0))
    assert not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(task.data))


@pytest.mark.parametrize("name", OWN)
def test_the_fingerprint_changes_with_the_data_or_the_rule(name):
    task = small_task(name)
    assert task.fingerprint() == load_task(name, **small(name)).fingerprint()
    if not is_generated(task):
        other = dataclasses.replace(task)
        leaves, tree = jax.tree.flatten(task.data)
        changed = [leaves[0].at[(0,) * leaves[0].ndim].add(1), *leaves[1:]]
        other.__dict__["data"] = jax.tree.unflatten(tree, changed)
    else:
        other = dataclasses.replace(task, length=task.length + 1)
    assert other.fingerprint() != task.fingerprint()


@pytest.mark.parametrize("name", OWN)
def test_a_task_is_hashable_by_value(name):
    assert hash(small_task(name)) == hash(load_task(name, **small(name)))
    assert small_task(name) == load_task(name, **small(name))
