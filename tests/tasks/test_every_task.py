"""Every task obeys the laws of `seqlab.testing`, in all framings."""

import functools

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
    "pathfinder": {"num_evaluation_examples": 10} | NARROW["pathfinder"],
    "ready_set_go": {"length": 4, "num_evaluation_examples": 10} | NARROW["ready_set_go"],
    "selective_copying": {"length": 7, "num_evaluation_examples": 10} | NARROW["selective_copying"],
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


IN_EVERY_FRAMING = ("specs", "masks", "goal")
"""The laws that are checked in every framing; the others in the first, as all framings draw alike."""
DRAWN_BY = ("draw", "sample", "gather", "evaluation_batch", "num_evaluation")


def drawn_by(name):
    """Return the methods that make an evaluation pass; eighteen languages have the same."""
    return tuple(getattr(type(load_task(name)), method) for method in DRAWN_BY)


SHARED = {drawn_by(name): name for name in reversed(OWN)}
"""The first task of those with the same methods. The law of the evaluation pass is checked for it alone; that
of the goal draws the pass of every task."""


def is_checked(law, name, framing):
    if law.name in IN_EVERY_FRAMING:
        return True
    is_first = framing == load_task(name).framings[0]
    return is_first and (law.name != "evaluation pass" or SHARED[drawn_by(name)] == name)


CASES = [
    pytest.param(name, framing, law, id=f"{name}-{framing}-{law}")
    for name, framing in FRAMINGS
    for law in TASK_LAWS
    if is_checked(law, name, framing)
]


@pytest.mark.parametrize(("name", "framing", "law"), CASES)
def test_law(name, framing, law):
    law(small_task(name), framing)


@pytest.mark.parametrize("name", OWN)
def test_equal_settings_give_an_equal_task(name):
    assert hash(small_task(name)) == hash(load_task(name, **small(name)))
    assert small_task(name) == load_task(name, **small(name))
