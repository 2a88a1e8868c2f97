"""Each law of a task can be broken, and says its number and its name."""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.tasks.memory.adding import Adding
from seqlab.testing import TASK_LAWS, BrokenLawError, check_task
from seqlab.types import Goal, Reference, Vectors


@dataclasses.dataclass(frozen=True)
class Sum(Adding):
    """The adding problem; subclasses break it."""

    framings = ("many_to_one",)
    length: int = 5
    num_evaluation_examples: int = 10


class ByIdentity(Sum):
    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


class Unpredictable(Sum):
    def sample(self, key, lengths, split, framing):
        batch = super().sample(key, lengths, split, framing)
        return batch._replace(inputs=batch.inputs + np.random.default_rng().random())


class Constant(Sum):
    def sample(self, key, lengths, split, framing):
        return super().sample(jax.random.key(0), lengths, split, framing)


class WrongSpec(Sum):
    def input_spec(self, framing):
        return Vectors(3)


class Integers(Sum):
    def sample(self, key, lengths, split, framing):
        batch = super().sample(key, lengths, split, framing)
        return batch._replace(mask=batch.mask.astype(jnp.int32))


class Dirty(Sum):
    curriculum: str = "uniform"

    def sample(self, key, lengths, split, framing):
        batch = super().sample(key, lengths, split, framing)
        return batch._replace(inputs=batch.inputs + 1)


class NoMask(Sum):
    def evaluation_batch(self, index, size, split, framing, data):
        return self.batch(jax.random.key(0), size, split, framing, data)


class Easy(Sum):
    def reference(self, framing, split="test"):
        return Reference(0.01, "worse than its threshold", 0.5)


class Unreported(Sum):
    def goal(self, framing):
        return Goal("accuracy", higher_is_better=True)


class Leaking(Sum):
    """Every split draws from the same thousand examples."""

    def draw(self, key, size, split, framing, data):
        keys = jax.vmap(jax.random.key)(jax.random.randint(key, (size,), 0, 1000))
        draw = functools.partial(
            self.sample, lengths=jnp.full(1, self.length), split="train", framing=framing
        )
        batch = jax.vmap(draw)(keys)
        return jax.tree.map(lambda leaf: leaf[:, 0], batch)._replace(lengths=None)


class Welcoming(Sum):
    def checked_framing(self, framing):
        return "many_to_one"


class Lazy(Sum):
    @functools.cached_property
    def data(self):
        return jnp.arange(3) + jnp.arange(3)


class Growing(Sum):
    """Its batches have another shape at every stage."""

    def at_stage(self, data, progress):
        return jnp.zeros(int(progress * 3))


BROKEN = {
    "equality": [ByIdentity()],
    "purity": [Unpredictable(), Constant()],
    "specs": [WrongSpec(), Integers()],
    "masks": [Dirty(curriculum="uniform")],
    "evaluation pass": [NoMask()],
    "goal": [Easy(), Unreported()],
    "disjoint splits": [Leaking()],
    "framings": [Welcoming()],
    "concrete data": [Lazy()],
    "compiles once": [Growing()],
}
CASES = [
    pytest.param(law, task, id=f"{law}-{type(task).__name__}")
    for law in TASK_LAWS
    for task in BROKEN[law.name]
]


@pytest.mark.parametrize(("law", "task"), CASES)
def test_a_broken_law_is_named_by_its_number(law, task):
    message = rf"^task law {law.number} \({law.name}\) is broken by {type(task).__name__}, many_to_one"
    with pytest.raises(BrokenLawError, match=message):
        law(task, "many_to_one")


def test_every_law_has_a_broken_task():
    assert list(BROKEN) == [law.name for law in TASK_LAWS]


def test_a_whole_task_obeys_all():
    check_task(Sum())
