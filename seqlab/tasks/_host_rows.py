"""Rows that stay on the host while compiled functions gather from them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding


@jax.tree_util.register_static
class HostRows:
    """An array on the host, `(N, …)`, that compiled functions index as they index arrays of the device.

    Each indexing is a call of the host. So the indices of many steps are best drawn together, as training
    does. It is a tree without leaves, so that no device gets a copy, and equal to itself alone.
    """

    def __init__(self, array: np.ndarray, where: NamedSharding | None = None) -> None:
        """Take the array, such as a `numpy.memmap`.

        Args:
            array: the array.
            where: how the rows of a batch are spread over devices, each of which reads its own; None in a
                function of one device.
        """
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self._where = where

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, indices: jax.Array) -> jax.Array:
        """Return the rows at integer indices `(B, …)`, clipped to those that there are."""
        if self._where is None:
            return self._read(indices)
        mesh, spec = self._where.mesh, self._where.spec
        read = jax.shard_map(self._read, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
        return read(indices)

    def _read(self, indices: jax.Array) -> jax.Array:
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


def read_by_device(data: Any, where: NamedSharding) -> Any:
    """Return resident arrays of which each device reads the rows that it needs, where they are on the host.

    Args:
        data: the arrays.
        where: how the rows of a batch are spread over devices.
    """

    def of_device(leaf: Any) -> Any:
        return HostRows(leaf.array, where) if isinstance(leaf, HostRows) else leaf

    return jax.tree.map(of_device, data, is_leaf=is_host_rows)


def on_host(leaf: Any) -> Any:
    """Return the array of `HostRows`, and anything else as it is."""
    return leaf.array if isinstance(leaf, HostRows) else leaf


def is_host_rows(leaf: Any) -> bool:
    """Say whether a node of a tree is `HostRows`."""
    return isinstance(leaf, HostRows)
