"""Draws of rows in which every class is equally frequent."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def balanced_rows(key: jax.Array, size: int, labels: jax.Array) -> jax.Array:
    """Draw rows, each with a probability that is the inverse of the number of rows of its class.

    Args:
        key: PRNG key.
        size: B.
        labels: int32 `(N,)`, the class of each row.

    Returns:
        int32 `(B,)`, indices of rows, drawn with replacement.
    """
    counts = jnp.zeros(len(labels), jnp.float32).at[labels].add(1)  # there are at most N classes
    total = jnp.cumsum(1 / counts[labels])
    drawn = jnp.searchsorted(total, jax.random.uniform(key, (size,)) * total[-1], side="right")
    return jnp.minimum(drawn, len(labels) - 1).astype(jnp.int32)
