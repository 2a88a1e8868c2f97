"""Generated examples of an evaluation pass, which are the same for all runs."""

from __future__ import annotations

from collections.abc import Callable

import jax

from seqlab.types import Batch

EVALUATION_SEED = 20_201_123
"""All runs are evaluated on the same generated examples, whatever their seeds."""


def generated_examples(draw: Callable[[jax.Array], Batch], stream: int, rows: jax.Array) -> Batch:
    """Return examples, each a function of its own number, whatever the others are.

    Args:
        draw: returns a batch of one example for a PRNG key.
        stream: the number of the split.
        rows: int32 `(B,)`, the numbers of the examples.
    """
    key = jax.random.fold_in(jax.random.key(EVALUATION_SEED), stream)
    batches = jax.vmap(lambda row: draw(jax.random.fold_in(key, row)))(rows)
    return jax.tree.map(lambda leaf: leaf[:, 0], batches)
