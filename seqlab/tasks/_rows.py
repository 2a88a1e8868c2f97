"""Draws of rows: all equally probable, or all classes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from seqlab.tasks.buckets import Drawn, drawn_bucket


def draw_rows(
    key: jax.Array, size: int, count: int, labels: jax.Array | None = None, bucket: Drawn | None = None
) -> jax.Array:
    """Draw rows with replacement.

    Args:
        key: PRNG key.
        size: B.
        count: N, the number of rows.
        labels: int32 `(N,)`, the class of each row, to draw every class equally often: the probability of a
            row is the inverse of the number of rows of its class. None for equally probable rows.
        bucket: the bucket that all rows come from; None for all N.

    Returns:
        int32 `(B,)`, indices of rows.
    """
    first, end = (0, count) if bucket is None else (bucket.first, bucket.end)
    if labels is None:
        places = jax.random.randint(key, (size,), first, end)
    else:
        rows_of = jnp.zeros(count, jnp.float32).at[labels].add(1)  # there are at most N classes
        weights = 1 / rows_of[labels if bucket is None else labels[bucket.order]]
        total = jnp.pad(jnp.cumsum(weights), (1, 0))
        drawn = total[first] + jax.random.uniform(key, (size,)) * (total[end] - total[first])
        places = jnp.searchsorted(total, drawn, side="right").astype(jnp.int32) - 1
        places = jnp.clip(places, first, end - 1)
    return places if bucket is None else bucket.order[places]


def rows_of_batch(task: Any, key: jax.Array, size: int, split: str, count: int, data: Any) -> jax.Array:
    """Draw the rows of a batch of a `Task`; those of training with its classes balanced and from its bucket.

    Args:
        task: the task.
        key: PRNG key.
        size: B.
        split: the split.
        count: N, the number of rows of the split.
        data: the task's resident arrays.
    """
    if split != "train":
        return draw_rows(key, size, count)
    labels = data["train"]["labels"] if getattr(task, "balance", False) else None
    return draw_rows(key, size, count, labels, drawn_bucket(data))
