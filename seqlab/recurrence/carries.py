"""Carries as vectors: their size, their leaves side by side, and back."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from seqlab.recurrence.protocols import RecurrentCell
from seqlab.types import Carry


def state_size(cell: RecurrentCell, num_inputs: int) -> int:
    """Return the number of elements of a cell's carry for one sequence, for inputs of F features."""
    carry = jax.eval_shape(lambda key: cell.initialize_carry(key, (1, num_inputs)), jax.random.key(0))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(carry))


def to_vector(carry: Carry, num_axes: int = 1) -> jax.Array:
    """Return the leaves of a carry side by side, flat, `(…, N)`.

    Args:
        carry: a tree of arrays with the same leading axes.
        num_axes: the number of these axes.
    """
    leaves = jax.tree.leaves(carry)
    return jnp.concatenate([leaf.reshape(*leaf.shape[:num_axes], -1) for leaf in leaves], axis=-1)


def last_vector(carry: Carry) -> jax.Array:
    """Return the last leaf of carries, which is h, flat, `(B, N)`."""
    return to_vector(jax.tree.leaves(carry)[-1])


def from_vector(vector: jax.Array, like: Carry) -> Carry:
    """Return a vector `(…, N)` as a carry; the inverse of `to_vector`.

    Args:
        vector: the leaves side by side.
        like: a carry with one leading axis of any size, or its shapes.
    """
    leaves, form = jax.tree.flatten(like)
    ends = [0]
    for leaf in leaves:
        ends.append(ends[-1] + math.prod(leaf.shape[1:]))
    parts = zip(leaves, ends, ends[1:], strict=False)
    return form.unflatten(
        [vector[..., start:end].reshape(*vector.shape[:-1], *leaf.shape[1:]) for leaf, start, end in parts]
    )
