"""How large is it? Norms that are exact over the whole float range, and clipping by them."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class ScaledNorm(NamedTuple):
    """A norm held as `2^exponent · relative`, so that neither squares nor the product can leave the range.

    Attributes:
        exponent: int32; scaling by 2^exponent or its inverse is exact, and both are normal numbers.
        relative: the norm divided by 2^exponent; of the order of 1, and 0 for a zero tree.
    """

    exponent: jax.Array
    relative: jax.Array

    @property
    def value(self) -> jax.Array:
        """The norm itself; inf only where it exceeds the dtype's largest number."""
        return jnp.ldexp(self.relative, self.exponent)


def scaled_norm(tree: Any) -> ScaledNorm:
    """Return the Euclidean norm of all elements of a tree of arrays.

        e = ⌈log2 max |a|⌉,  ‖a‖ = 2^e · √(Σ (a / 2^e)²)

    A float32 tree of magnitude 1e-35 or 1e35 is measured exactly, where the plain sum of squares gives 0 or
    inf. A NaN or inf anywhere makes the norm NaN or inf.

    Source: Blue 1978, "A portable Fortran program to find the Euclidean norm of a vector", for the scaling.
    """
    leaves = jax.tree.leaves(tree)
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in leaves]))
    _, exponent = jnp.frexp(jnp.where(jnp.isfinite(largest), largest, 1))
    bound = -jnp.finfo(largest.dtype).minexp
    exponent = jnp.clip(exponent, -bound, bound)
    total = sum(jnp.sum(jnp.square(jnp.ldexp(leaf, -exponent))) for leaf in leaves)
    return ScaledNorm(exponent, jnp.sqrt(total))


def clip(tree: Any, norm: ScaledNorm, limit: float | jax.Array) -> Any:
    """Scale a tree down to norm `limit` where it is longer, and return it untouched where it is not.

        a ← a · min(1, limit / ‖a‖)

    Computed as `(a / 2^e) · (limit / (‖a‖ / 2^e))`, which stays in range where `limit / ‖a‖` would not.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    over = norm.value > limit
    factor = limit / jnp.where(norm.relative > 0, norm.relative, 1)
    return jax.tree.map(lambda leaf: jnp.where(over, jnp.ldexp(leaf, -norm.exponent) * factor, leaf), tree)
