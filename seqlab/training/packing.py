"""How do many small arrays reach the host at once? Side by side in one vector, with their form beside it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Packed:
    """A tree of arrays as one vector: a transfer costs by the array.

    Attributes:
        vector: all elements in the order of the leaves, in floating point; integers are exact up to 2²⁴.
        structure: the tree's.
        shapes: the leaves'.
    """

    vector: jax.Array
    structure: Any = dataclasses.field(metadata={"static": True})
    shapes: tuple[tuple[int, ...], ...] = dataclasses.field(metadata={"static": True})

    def unpack(self) -> Any:
        """Return the tree, its leaves NumPy arrays."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        leaves = np.split(np.asarray(self.vector), ends[:-1]) if self.shapes else []
        return self.structure.unflatten(
            leaf.reshape(shape) for leaf, shape in zip(leaves, self.shapes, strict=True)
        )


def pack(tree: Any) -> Packed:
    """Pack a tree of arrays."""
    leaves, structure = jax.tree.flatten(tree)
    dtype = jnp.result_type(jnp.float32, *leaves)
    vector = jnp.concatenate([jnp.zeros(0, dtype), *(jnp.ravel(leaf).astype(dtype) for leaf in leaves)])
    return Packed(vector, structure, tuple(leaf.shape for leaf in leaves))
