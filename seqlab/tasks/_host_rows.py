"""Rows that stay on the host while compiled functions gather from them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@jax.tree_util.register_static
class HostRows:
    """An array on the host, `(N, …)`, that compiled functions index as they index arrays of the device.

    Each indexing is a call of the host. So the indices of many steps are best drawn together, as training
    does. It is a tree without leaves, so that no device gets a copy, and equal to itself alone.
    """

    def __init__(self, array: np.ndarray) -> None:
        """Take the array, such as a `numpy.memmap`."""
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, indices: jax.Array) -> jax.Array:
        """Return the rows at integer indices, clipped to those that there are."""
        rows = jax.ShapeDtypeStruct(
            (*indices.shape, *self.shape[1:]), jax.dtypes.canonicalize_dtype(self.dtype)
        )
        return jax.pure_callback(self._gather, rows, indices, vmap_method="broadcast_all")

    def _gather(self, indices: Any) -> np.ndarray:
        rows = np.clip(np.asarray(indices), 0, len(self.array) - 1)
        return self.array[rows].astype(jax.dtypes.canonicalize_dtype(self.dtype), copy=False)


def placed(array: np.ndarray) -> Any:
    """Return a `numpy.memmap` as `HostRows`, and any other array on the device."""
    return HostRows(array) if isinstance(array, np.memmap) else jnp.asarray(array)


def on_host(leaf: Any) -> Any:
    """Return the array of `HostRows`, and anything else as it is."""
    return leaf.array if isinstance(leaf, HostRows) else leaf


def is_host_rows(leaf: Any) -> bool:
    """Say whether a node of a tree is `HostRows`."""
    return isinstance(leaf, HostRows)
