"""Examples of an evaluation pass over generated sequences, which are fixed."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.tasks import load_task, task_names
from seqlab.tasks.lengths import between

pytestmark = pytest.mark.slow

COUNT = 5
GENERATED = [name for name in task_names() if load_task(name).sequence_lengths is not None]


def evaluated(task, size, data):
    """Return the first examples of the pass, drawn in blocks of a size."""
    draw = jax.jit(task.evaluation_batch, static_argnums=(1, 2, 3))
    blocks = [
        draw(jnp.int32(index), size, "test", task.framings[0], data) for index in range(-(-COUNT // size))
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:COUNT], *blocks)


@pytest.mark.parametrize("name", GENERATED)
def test_an_example_depends_neither_on_the_block_nor_on_the_longest_length(name):
    task = load_task(name, num_evaluation_examples=COUNT)
    least = task.sequence_lengths.shortest
    length = between(least + 2, least + 2)

    def up_to(longest, size):
        fields = {"min_length": least, "length": longest, "curriculum": "uniform"}
        return evaluated(dataclasses.replace(task, **fields), size, length)

    short, long = up_to(least + 3, 2), up_to(least + 5, COUNT)
    for one, other in zip(jax.tree.leaves(short), jax.tree.leaves(long), strict=True):
        shared = tuple(slice(min(sizes)) for sizes in zip(one.shape, other.shape, strict=True))
        np.testing.assert_allclose(one[shared], other[shared], rtol=2e-7, atol=2e-7)
