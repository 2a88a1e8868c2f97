"""A scan in blocks of steps that fit in the cache, each writing into one array for all steps."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from seqlab.types import Tree


def block_length(num_steps: int, num_rows: int) -> int:
    """Return the number of steps of a block: about 8, more where rows are few, if possible a divisor of T.

    Small blocks stay in the cache. The weights' gradients are one matrix product a block, which is efficient
    from 128 rows on. Measured in experiments/recurrence_speed.
    """
    return near_divisor(max(1, min(num_steps, max(8, 128 // max(1, num_rows)))), num_steps)


def near_divisor(wanted: int, num_steps: int) -> int:
    """Return the divisor of T nearest to a number, between its half and its double, or else the number."""
    near = sorted(range(-(-wanted // 2), 2 * wanted + 1), key=lambda steps: abs(steps - wanted))
    return next((steps for steps in near if num_steps % steps == 0), wanted)


def in_blocks(tree: Tree, block: int) -> Tree:
    """Split the leading axis: `(T, …) -> (T / block, block, …)`."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, block, *leaf.shape[1:]), tree)


def out_of_blocks(tree: Tree) -> Tree:
    """Join the two leading axes: `(T / block, block, …) -> (T, …)`."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), tree)


def scan_into(
    step: Callable[[Tree, Tree], tuple[Tree, Tree]],
    carry: Tree,
    outputs: Tree,
    each_step: Tree,
    begin: jax.Array | int = 0,
    reverse: bool = False,
) -> tuple[Tree, Tree]:
    """Scan as `jax.lax.scan` does, and write what the steps return into existing arrays.

    A scan within a scan would fill new arrays with zeros for every block, and then copy them.

    Args:
        step: `(carry, now) -> (carry, output)`.
        carry: before the first step.
        outputs: the arrays to write into, by `empty_outputs`.
        each_step: what the steps read, with time as the leading axis.
        begin: the index in `outputs` of the first step.
        reverse: whether the last step is taken first.

    Returns:
        The final carry and `outputs`.
    """
    positive = {"axis": 0, "allow_negative_indices": False}
    num_steps = len(jax.tree.leaves(each_step)[0])

    def body(k: jax.Array, state: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
        carry, outputs = state
        k = num_steps - 1 - k if reverse else k
        take = functools.partial(jax.lax.dynamic_index_in_dim, index=k, keepdims=False, **positive)
        put = functools.partial(jax.lax.dynamic_update_index_in_dim, index=begin + k, **positive)
        carry, output = step(carry, jax.tree.map(take, each_step))
        return carry, jax.tree.map(put, outputs, output)

    return jax.lax.fori_loop(0, num_steps, body, (carry, outputs))


def empty_outputs(step: Callable[[Tree, Tree], tuple[Tree, Tree]], carry: Tree, each_step: Tree) -> Tree:
    """Return zeros of the shapes that all steps return, for `scan_into`; the arguments may be shapes."""
    num_steps = jax.tree.leaves(each_step)[0].shape[0]
    now = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), each_step)
    output = jax.eval_shape(step, carry, now)[1]
    return jax.tree.map(lambda leaf: jnp.zeros((num_steps, *leaf.shape), leaf.dtype), output)
