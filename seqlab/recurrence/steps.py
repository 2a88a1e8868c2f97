"""The steps of a scan: its inputs, flags, masks and probes as leaves of one tree."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqlab.recurrence.protocols import RecurrentCell
from seqlab.types import Carry, Tree


class Steps(NamedTuple):
    """What a recurrence reads at each step, time-major; None stands for an absent kind.

    Attributes:
        x: the input, `(T, B, F)`; a tree of arrays for a cell that reads one.
        real: bool `(T, B)`, False where the step is padding and the carry stays unchanged.
        reset: bool `(T, B)`, True where the carry is set to the cell's initial one before the step.
        cut: bool `(T, B)`, True where no gradient flows from the step to the step before.
        probes: zeros `(T, B)` or `(T, B, …)` in the tree of the carry (`seqlab.recurrence.probes`).
        hold: bool `(T, B, …)` in the tree of the carry, True where zoneout keeps the old value.
    """

    x: Tree
    real: jax.Array | None = None
    reset: jax.Array | None = None
    cut: jax.Array | None = None
    probes: Carry | None = None
    hold: Carry | None = None

    @property
    def stop(self) -> jax.Array | None:
        """Bool `(T, B)`, True where δs_{t−1} is zero: at cuts and at resets."""
        if self.reset is None:
            return self.cut
        return self.reset if self.cut is None else self.reset | self.cut


def restart(cell: RecurrentCell, carry: Carry, reset: jax.Array | None) -> Carry:
    """Return the carries that steps start from: s_0 where a step resets, s_{t−1} elsewhere.

    Args:
        cell: the cell, whose initial carry is s_0.
        carry: `(…, B)` and the axes of the carry a leaf.
        reset: bool `(…, B)`; None for no reset.
    """
    if reset is None:
        return carry
    start = cell.initialize_carry(jax.random.key(0), (*reset.shape, 1))
    return where_rows(reset, jax.tree.map(lambda leaf, like: leaf.astype(like.dtype), start, carry), carry)


def where_rows(flags: jax.Array | None, tree: Tree, otherwise: Tree) -> Tree:
    """Choose rows between two trees.

    Args:
        flags: bool over the leading axes of every leaf; None stands for True everywhere.
        tree: the rows where the flag is True.
        otherwise: the rows where it is False.
    """
    if flags is None:
        return tree
    return jax.tree.map(lambda leaf, other: jnp.where(_over(flags, leaf), leaf, other), tree, otherwise)


def mask_rows(flags: jax.Array | None, tree: Tree) -> Tree:
    """Return a tree with zeros in the rows whose flag is False; arguments as of `where_rows`."""
    if flags is None:
        return tree
    return jax.tree.map(lambda leaf: jnp.where(_over(flags, leaf), leaf, jnp.zeros((), leaf.dtype)), tree)


def real_steps(lengths: jax.Array, num_steps: int) -> jax.Array:
    """Return bool `(B, T)`: whether step t of each sequence is before its end."""
    return jnp.arange(num_steps) < lengths[:, None]


def flip(sequences: jax.Array, lengths: jax.Array | None) -> jax.Array:
    """Reverse the real steps of each sequence `(B, T, …)`; the padding stays behind them."""
    if lengths is None:
        return jnp.flip(sequences, axis=1)
    t = jnp.arange(sequences.shape[1])
    source = jnp.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    return jnp.take_along_axis(sequences, source.reshape(source.shape + (1,) * (sequences.ndim - 2)), axis=1)


def time_major(tree: Tree) -> Tree:
    """Swap the first two axes of every leaf."""
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), tree)


def _over(flags: jax.Array, leaf: jax.Array) -> jax.Array:
    """Return flags with as many axes as a leaf."""
    return flags.reshape(flags.shape + (1,) * (leaf.ndim - flags.ndim))
