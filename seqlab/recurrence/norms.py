"""Euclidean norms, of rows and of whole trees, exact over the whole range of floats; and clipping by them."""

from __future__ import annotations

from typing import Any, NamedTuple

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


class ScaledNorm(NamedTuple):
    """A norm held as `scale · relative`, so that neither squares nor the product can leave the range.

    Attributes:
        scale: a power of two; it and its inverse are normal numbers.
        relative: the norm divided by `scale`; 0 for a zero tree, NaN or inf where an element is.
    """

    scale: jax.Array
    relative: jax.Array

    @property
    def value(self) -> jax.Array:
        """The norm itself; inf only where it exceeds the dtype's largest number."""
        return self.scale * self.relative


def scaled_norm(tree: Any) -> ScaledNorm:
    """Return the Euclidean norm of all elements of a tree of arrays.

        ‖a‖ = s · √(Σ (a / s)²)

    with s = 1 where the plain sum of squares is far from the ends of the range, and otherwise the power of
    two above max |a|, at the price of another pass. A float32 tree of magnitude 1e-35 or 1e35 is measured
    exactly, where the plain sum of squares gives 0 or inf. A NaN or inf anywhere makes the norm NaN or inf.

    Source: Blue 1978, "A portable Fortran program to find the Euclidean norm of a vector", for the scaling.
    """
    leaves = jax.tree.leaves(tree)
    squares = sum(jnp.sum(jnp.square(leaf)) for leaf in leaves)
    low, high = _safe_squares(squares.dtype)
    one = jnp.ones_like(squares)
    return jax.lax.cond(
        (squares > low) & (squares < high),
        lambda: ScaledNorm(one, jnp.sqrt(squares)),
        lambda: _scaled_by_the_largest(leaves),
    )


def clip(tree: Any, norm: ScaledNorm, limit: float | jax.Array) -> Any:
    """Scale a tree down to norm `limit` where it is longer, and return it untouched where it is not.

        a ← a · min(1, limit / ‖a‖)

    Computed as `(a / s) · (limit / (‖a‖ / s))`, which stays in range where `limit / ‖a‖` would not.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    over = norm.value > limit
    first = jnp.where(over, 1 / norm.scale, 1)
    second = jnp.where(over, limit / jnp.where(norm.relative > 0, norm.relative, 1), 1)
    return jax.tree.map(lambda leaf: leaf * first * second, tree)


def clip_elements(tree: Any, limit: float | jax.Array) -> Any:
    """Bring every element of a tree into [−limit, limit]; the direction changes where one was outside.

        a_i ← max(−limit, min(limit, a_i))

    Source: Mikolov 2012, "Statistical language models based on neural networks".
    """
    return jax.tree.map(lambda leaf: jnp.clip(leaf, -limit, limit), tree)


def _safe_squares(dtype: jnp.dtype) -> tuple[float, float]:
    """Return between which sums of squares no element that matters was lost to under- or overflow."""
    bits = jnp.finfo(dtype).maxexp
    return 2.0 ** (-0.6 * bits), 2.0 ** (0.9 * bits)


def power_of_two_above(largest: jax.Array) -> jax.Array:
    """Return the power of two above each magnitude, 2 for NaN and inf; its inverse is a normal number too."""
    _, exponent = jnp.frexp(jnp.where(jnp.isfinite(largest), largest, 1))
    bound = -jnp.finfo(largest.dtype).minexp
    return jnp.ldexp(jnp.ones_like(largest), jnp.clip(exponent, -bound, bound))


def _scaled_by_the_largest(leaves: list[jax.Array]) -> ScaledNorm:
    """Return the norm of some arrays, scaled by their largest element."""
    scale = power_of_two_above(jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in leaves])))
    return ScaledNorm(scale, jnp.sqrt(sum(jnp.sum(jnp.square(leaf * (1 / scale))) for leaf in leaves)))
