"""How large is each row? Norms over H that are exact over the whole range of floats."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def scaled_norms(tree: Any) -> tuple[jax.Array, jax.Array]:
    """Return `(…, 1)` scales and each row's norm over its scale, over all leaves `(…, H)` of a tree.

    Both the scale, the largest element, and its inverse are normal numbers, so no square leaves the range.
    """
    leaves = jax.tree.leaves(tree)
    maxima = [jnp.max(jnp.abs(leaf), axis=-1, keepdims=True) for leaf in leaves]
    largest = jnp.max(jnp.concatenate(maxima, axis=-1), axis=-1, keepdims=True)
    least = 8 * jnp.finfo(largest.dtype).tiny
    scale = jnp.clip(largest, least, 1 / least)
    return scale, jnp.sqrt(sum(jnp.sum((leaf / scale) ** 2, axis=-1, keepdims=True) for leaf in leaves))


def norm(rows: jax.Array) -> jax.Array:
    """Return the Euclidean norm over the last axis.

    Plain sums of squares serve where all are far from the ends of the range; else the rows are scaled.
    """
    squares = jnp.sum(jnp.square(rows), axis=-1)
    bits = jnp.finfo(rows.dtype).maxexp
    safe = (squares > 2.0 ** (-0.6 * bits)) & (squares < 2.0 ** (0.9 * bits))

    def scaled() -> jax.Array:
        scale, relative = scaled_norms(rows)
        return (relative * scale)[..., 0]

    return jax.lax.cond(jnp.all(safe), lambda: jnp.sqrt(squares), scaled)
