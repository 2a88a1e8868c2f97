"""Over which devices is a batch spread? Each takes an equal share of the rows; the rest is replicated."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import jax

from seqlab.types import Batch

ROWS = "B"
"""The mesh axis that a batch's rows are spread over."""

MOST_CPU_DEVICES = 8
FEWEST_ROWS = 8
"""On CPUs: the most devices to make of the cores, and the fewest rows that make a share worth a device. On
two cores the second paid at every width measured, 64 to 512 (experiments/recurrence_speed)."""


def offer_cores() -> None:
    """Let JAX see the CPU's cores as devices, unless it has started or the user has said otherwise.

    A scan's small matrix products run on one core each; two halves of a batch on two devices use both.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        with contextlib.suppress(RuntimeError):  # JAX has started: its devices are what they are
            jax.config.update("jax_num_cpu_devices", min(os.cpu_count() or 1, MOST_CPU_DEVICES))


def choose(batch_size: int) -> int:
    """Return over how many devices to spread a batch: the most that divide it and leave enough rows each."""
    fewest_rows = FEWEST_ROWS if jax.default_backend() == "cpu" else 1
    counts = range(len(jax.local_devices()), 1, -1)
    return next((n for n in counts if batch_size % n == 0 and batch_size // n >= fewest_rows), 1)


def share(batch: Batch, num_devices: int) -> Batch:
    """Return this device's rows of a batch."""
    if num_devices == 1:
        return batch

    def rows(array: jax.Array) -> jax.Array:
        size = array.shape[0] // num_devices
        return jax.lax.dynamic_slice_in_dim(array, jax.lax.axis_index(ROWS) * size, size)

    return jax.tree.map(rows, batch)


def total(tree: Any, num_devices: int) -> Any:
    """Add up a tree of sums over the devices."""
    return tree if num_devices == 1 else jax.lax.psum(tree, ROWS)


def own_key(key: jax.Array, num_devices: int) -> jax.Array:
    """Return a PRNG key of this device's own."""
    return key if num_devices == 1 else jax.random.fold_in(key, jax.lax.axis_index(ROWS))
