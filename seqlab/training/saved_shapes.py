"""Shapes of saved trees, which are compared before their arrays are read."""

from __future__ import annotations

import jax
import numpy as np

from seqlab.types import Tree


def on_host(like: Tree) -> Tree:
    """Return a tree of host arrays of the same shapes, so that no device is written into a checkpoint."""
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like)


def abstract(tree: Tree) -> Tree:
    """Return shapes and dtypes from Orbax's metadata of arrays."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)


def shapes(tree: Tree) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a tree by its path. Orbax itself does not compare shapes."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape) for path, leaf in leaves
    }
