"""Spreading the rows of a batch over devices; everything else is replicated.

Programs on several devices run inside `shard_map(..., check_vma=False)`: each device computes with its own
rows, and sums over rows are added up explicitly.
"""

from __future__ import annotations

import contextlib
import os

import jax

from seqlab.types import Batch, Tree

ROWS = "B"
"""The mesh axis that a batch's rows are spread over."""

MOST_CPU_DEVICES = 8
FEWEST_ROWS = 8
"""The most CPU devices that the cores are divided into, and the fewest rows for which another device pays. On
two cores the second device paid at every width measured, 64 to 512 (experiments/recurrence_speed)."""


def offer_cores() -> None:
    """Let JAX use the CPU's cores as devices, unless JAX has started or `JAX_NUM_CPU_DEVICES` is set.

    The small matrix products of a scan run on one core each. Two halves of a batch on two devices use both.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        with contextlib.suppress(RuntimeError):  # JAX has started, so its devices are fixed
            jax.config.update("jax_num_cpu_devices", min(os.cpu_count() or 1, MOST_CPU_DEVICES))


def choose(batch_size: int) -> int:
    """Return the number of devices for a batch: the most that divide it and leave enough rows for each."""
    fewest_rows = FEWEST_ROWS if jax.default_backend() == "cpu" else 1
    counts = range(len(jax.local_devices()), 1, -1)
    return next((n for n in counts if batch_size % n == 0 and batch_size // n >= fewest_rows), 1)


def local_rows(batch: Batch, axis: str | None) -> Batch:
    """Return this device's rows of a whole batch; all of them where the axis is None."""
    if axis is None:
        return batch

    def rows(array: jax.Array) -> jax.Array:
        size = array.shape[0] // jax.lax.axis_size(axis)
        return jax.lax.dynamic_slice_in_dim(array, jax.lax.axis_index(axis) * size, size)

    return jax.tree.map(rows, batch)


def total(tree: Tree, axis: str | None) -> Tree:
    """Return a tree of local sums added up over the devices."""
    return tree if axis is None else jax.lax.psum(tree, axis)


def local_key(key: jax.Array, axis: str | None) -> jax.Array:
    """Return a PRNG key that differs between the devices."""
    return key if axis is None else jax.random.fold_in(key, jax.lax.axis_index(axis))
