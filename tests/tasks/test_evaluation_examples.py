"""Examples of an evaluation pass over generated sequences, which are fixed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.tasks import load_task, quick_options

pytestmark = pytest.mark.slow

COUNT = 5


def evaluated(task, size):
    """Return the first examples of the pass, drawn in blocks of a size."""
    draw = jax.jit(task.evaluation_batch, static_argnums=(1, 2, 3), compiler_options=quick_options())
    blocks = [
        draw(jnp.int32(index), size, "test", task.framings[0], task.data)
        for index in range(-(-COUNT // size))
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:COUNT], *blocks)


@pytest.mark.parametrize("name", ["adding", "dyck", "even_pairs"])
def test_an_example_does_not_depend_on_the_block(name):
    """That it does not depend on the longest length either is a test of lengths."""
    task = load_task(name, length=7, curriculum="uniform", num_evaluation_examples=COUNT)
    for one, other in zip(
        jax.tree.leaves(evaluated(task, 2)), jax.tree.leaves(evaluated(task, COUNT)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=2e-7, atol=2e-7)
