"""Every task obeys the laws of `seqlab.testing`, in all framings."""

import dataclasses
import functools

import jax
import pytest
from small_corpora import stand_in
from tiny_runs import FRAMINGS, NARROW, OWN

from seqlab.tasks import load_task
from seqlab.testing import TASK_LAWS

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


def is_generated(task):
    return hasattr(task, "num_evaluation_examples")


@functools.cache
def small_task(name):
    return load_task(name, **small(name))


def small(name):
    generated = is_generated(load_task(name))
    return SMALL.get(name, {"length": 7, "num_evaluation_examples": 10} if generated else stand_in(name))


OF_ANY_FRAMING = ("equality", "framings", "concrete data")
"""The laws that are the same in every framing; they are checked in one."""
CASES = [
    pytest.param(name, framing, law, id=f"{name}-{framing}-{law}")
    for name, framing in FRAMINGS
    for law in TASK_LAWS
    if law.name not in OF_ANY_FRAMING or framing == load_task(name).framings[0]
]


@pytest.mark.parametrize(("name", "framing", "law"), CASES)
def test_law(name, framing, law):
    law(small_task(name), framing)


@pytest.mark.parametrize("name", OWN)
def test_equal_settings_give_an_equal_task(name):
    assert hash(small_task(name)) == hash(load_task(name, **small(name)))
    assert small_task(name) == load_task(name, **small(name))


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
