"""Generated examples of an evaluation pass, which are the same for all runs."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from seqlab.types import Batch, Spec, Transcript

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


def without_rows(batch: Batch, after: jax.Array, spec: Spec) -> Batch:
    """Return a batch with some rows masked out; a `Transcript` may be empty, so theirs have the length 0.

    Args:
        batch: the batch.
        after: bool `(B,)`, the rows after the end of an evaluation pass.
        spec: of the outputs.
    """
    if isinstance(spec, Transcript) and batch.lengths is not None:
        batch = batch._replace(lengths=jnp.where(after, 0, batch.lengths))
    shape = (len(after),) + (1,) * (batch.mask.ndim - 1)
    return batch._replace(mask=batch.mask & ~after.reshape(shape))
