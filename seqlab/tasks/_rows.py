"""Draws of rows: all equally probable, or all classes."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def draw_rows(key: jax.Array, size: int, count: int, labels: jax.Array | None = None) -> jax.Array:
    """Draw rows with replacement.

    Args:
        key: PRNG key.
        size: B.
        count: N, the number of rows.
        labels: int32 `(N,)`, the class of each row, to draw every class equally often: the probability of a
            row is the inverse of the number of rows of its class. None for equally probable rows.

    Returns:
        int32 `(B,)`, indices of rows.
    """
    if labels is None:
        return jax.random.randint(key, (size,), 0, count)
    rows_of = jnp.zeros(count, jnp.float32).at[labels].add(1)  # there are at most N classes
    total = jnp.cumsum(1 / rows_of[labels])
    drawn = jnp.searchsorted(total, jax.random.uniform(key, (size,)) * total[-1], side="right")
    return jnp.minimum(drawn, count - 1).astype(jnp.int32)
