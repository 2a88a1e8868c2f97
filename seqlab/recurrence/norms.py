"""Euclidean norms of rows and of whole trees, exact over the whole range of floats, and clipping by them.

A plain sum of squares of float32 numbers is 0 below about 1e-19 and inf above about 1e19. Here a norm is held
as `scale · relative`, so that a tree of magnitude 1e-35 or 1e35 is measured exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqlab.types import Tree


class ScaledNorm(NamedTuple):
    """A norm held as `scale · relative`, so that neither squares nor the product leave the range.

    Attributes:
        scale: a normal number whose inverse is normal too.
        relative: the norm divided by `scale`; 0 for zeros, NaN or inf where an element is.
    """

    scale: jax.Array
    relative: jax.Array

    @property
    def value(self) -> jax.Array:
        """The norm itself; inf only where it exceeds the dtype's largest number."""
        return self.scale * self.relative


def global_norm(tree: Tree) -> ScaledNorm:
    """Return the Euclidean norm of all elements of a tree of arrays.

        ‖a‖ = s · √(Σ (a / s)²)

    with s = 1 where the plain sum of squares is far from the ends of the range, and otherwise the power of
    two above max |a|, at the price of another pass. A NaN or inf anywhere makes the norm NaN or inf.

    Source: Blue 1978, "A portable Fortran program to find the Euclidean norm of a vector", for the scaling.
    """
    leaves = jax.tree.leaves(tree)
    squares = jnp.asarray(sum(jnp.sum(jnp.square(leaf)) for leaf in leaves))
    return jax.lax.cond(
        _is_safe(squares),
        lambda: ScaledNorm(jnp.ones_like(squares), jnp.sqrt(squares)),
        lambda: _scaled_by_largest(leaves),
    )


def row_norms(tree: Tree) -> ScaledNorm:
    """Return the norm of each row over all leaves `(…, H)` of a tree, `(…, 1)`.

    The scale is the row's largest element.
    """
    leaves = jax.tree.leaves(tree)
    maxima = [jnp.max(jnp.abs(leaf), axis=-1, keepdims=True) for leaf in leaves]
    largest = jnp.max(jnp.concatenate(maxima, axis=-1), axis=-1, keepdims=True)
    least = 8 * jnp.finfo(largest.dtype).tiny
    scale = jnp.clip(largest, least, 1 / least)
    squares = sum(jnp.sum((leaf / scale) ** 2, axis=-1, keepdims=True) for leaf in leaves)
    return ScaledNorm(scale, jnp.sqrt(squares))


def norm_over_features(rows: jax.Array) -> jax.Array:
    """Return the norm over the last axis, `(…, H) -> (…)`.

    Plain sums of squares serve where all are far from the ends of the range; else the rows are scaled.
    """
    squares = jnp.sum(jnp.square(rows), axis=-1)
    return jax.lax.cond(
        jnp.all(_is_safe(squares)), lambda: jnp.sqrt(squares), lambda: row_norms(rows).value[..., 0]
    )


def clip_by_global_norm(tree: Tree, norm: ScaledNorm, limit: float | jax.Array) -> Tree:
    """Scale a tree down to norm `limit` where it is longer; return it bit for bit where it is not.

        a ← a · min(1, limit / ‖a‖)

    Computed as `(a / s) · (limit / (‖a‖ / s))`, which stays in range where `limit / ‖a‖` would not.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    over = norm.value > limit
    first = jnp.where(over, 1 / norm.scale, 1)
    second = jnp.where(over, limit / jnp.where(norm.relative > 0, norm.relative, 1), 1)
    return jax.tree.map(lambda leaf: leaf * first * second, tree)


def clip_elements(tree: Tree, limit: float | jax.Array) -> Tree:
    """Clip every element of a tree to [−limit, limit]; the direction changes where one was outside.

        a_i ← max(−limit, min(limit, a_i))

    Source: Mikolov 2012, "Statistical language models based on neural networks".
    """
    return jax.tree.map(lambda leaf: jnp.clip(leaf, -limit, limit), tree)


def all_finite(tree: Tree) -> jax.Array:
    """Say whether every element of a tree of arrays is finite."""
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def _is_safe(squares: jax.Array) -> jax.Array:
    """Say whether sums of squares lost no element that matters to under- or overflow."""
    bits = jnp.finfo(squares.dtype).maxexp
    return (squares > 2.0 ** (-0.6 * bits)) & (squares < 2.0 ** (0.9 * bits))


def power_of_two_above(largest: jax.Array) -> jax.Array:
    """Return the power of two above each magnitude, 2 for NaN and inf; its inverse is a normal number too."""
    _, exponent = jnp.frexp(jnp.where(jnp.isfinite(largest), largest, 1))
    bound = -jnp.finfo(largest.dtype).minexp
    return jnp.ldexp(jnp.ones_like(largest), jnp.clip(exponent, -bound, bound))


def _scaled_by_largest(leaves: list[jax.Array]) -> ScaledNorm:
    """Return the norm scaled by the power of two above the largest element."""
    scale = power_of_two_above(jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in leaves])))
    return ScaledNorm(scale, jnp.sqrt(sum(jnp.sum(jnp.square(leaf * (1 / scale))) for leaf in leaves)))
