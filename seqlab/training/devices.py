"""Spreading the rows of a batch over devices, of one process or of several.

An update on several devices runs inside `shard_map(..., check_vma=False)`: each device computes with its own
rows, and sums over rows are added up explicitly. All else is left to XLA: see `seqlab.training.spread`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding

from seqlab.training.processes import several
from seqlab.types import ConfigError, Tree

ROWS = "B"
"""The mesh axis that a batch's rows are spread over."""

MOST_CPU_DEVICES = 8
FEWEST_ROWS = 8
"""The most CPU devices that the cores are divided into, and the fewest rows for which another device pays. On
two cores the second device paid at every width measured, 64 to 512 (experiments/recurrence_speed)."""


def num_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def offer_cores() -> None:
    """Let JAX use this process's cores as devices, unless JAX has started or `JAX_NUM_CPU_DEVICES` is set.

    The small matrix products of a scan run on one core each. Two halves of a batch on two devices use both.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        with contextlib.suppress(RuntimeError):  # JAX has started, so its devices are fixed
            jax.config.update("jax_num_cpu_devices", min(num_cores(), MOST_CPU_DEVICES))


def choose(batch_size: int, feature_devices: int = 1) -> int:
    """Return the number of devices for a batch: the most that divide it and leave enough rows for each.

    Several processes have equal numbers of devices, at least one each.

    Args:
        batch_size: B.
        feature_devices: the number of devices that compute with the same rows.

    Raises:
        ConfigError: the batch cannot be divided among the processes, or a process has too few devices.
    """
    fewest_rows = FEWEST_ROWS if jax.default_backend() == "cpu" else 1
    num_processes = jax.process_count()
    of_process = len(jax.local_devices()) // feature_devices
    if not of_process:
        raise ConfigError(
            f"training.feature_devices must be at most {len(jax.local_devices())}, the devices of a process "
            f"here, got {feature_devices}"
        )
    counts = range(num_processes * of_process, num_processes, -num_processes)
    if batch_size % num_processes:
        raise ConfigError(
            f"training.batch_size and .evaluation_batch_size must be multiples of the {num_processes} "
            f"processes, got {batch_size} as their greatest common divisor"
        )
    fits = (n for n in counts if batch_size % n == 0 and batch_size // n >= fewest_rows)
    return feature_devices * next(fits, num_processes)


def require_available(num_devices: int, feature_devices: int = 1) -> None:
    """Raise ConfigError where there are not so many devices, or not equally many groups of each process."""
    num_processes = jax.process_count()
    available = num_processes * len(jax.local_devices())
    if num_devices > available:
        raise ConfigError(f"training.devices must be at most {available} here, got {num_devices}")
    if num_devices % (num_processes * feature_devices):
        groups = f" times feature_devices={feature_devices}" if feature_devices > 1 else ""
        raise ConfigError(
            f"training.devices must be a multiple of the {num_processes} processes{groups}, got {num_devices}"
        )


def first_devices(count: int) -> Sequence[Any]:
    """Return the first devices of each process, equally many of each and `count` in all."""
    share = count // jax.process_count()
    by_process: dict[int, list[Any]] = {}
    for device in jax.devices():
        by_process.setdefault(device.process_index, []).append(device)
    return [device for _, own in sorted(by_process.items()) for device in own[:share]]


def put(tree: Tree, shardings: Tree) -> Tree:
    """Put arrays that every process has on the devices.

    Args:
        tree: the arrays.
        shardings: their shardings, a prefix of the tree.
    """
    if not several():
        return jax.device_put(tree, shardings)
    return jax.tree.map(
        lambda where, part: jax.tree.map(lambda leaf: _put(leaf, where), part), shardings, tree
    )


def _put(leaf: Any, where: NamedSharding) -> jax.Array:
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
        return jax.device_put(leaf, where)
    array = np.asarray(leaf)
    return jax.make_array_from_callback(array.shape, where, array.__getitem__)


def fetch(tree: Tree) -> Tree:
    """Return whole arrays on the host, of every process; all of them have to call it.

    What is on the host already stays as it is.
    """

    def whole(leaf: Any) -> Any:
        if not isinstance(leaf, jax.Array) or leaf.is_fully_addressable or leaf.is_fully_replicated:
            return leaf
        return multihost_utils.process_allgather(leaf, tiled=True)

    return jax.device_get(jax.tree.map(whole, tree) if several() else tree)


def total(tree: Tree, axis: str | None) -> Tree:
    """Return a tree of local sums added up over the devices."""
    return tree if axis is None else jax.lax.psum(tree, axis)


def local_key(key: jax.Array, axis: str | None) -> jax.Array:
    """Return a PRNG key that differs between the devices."""
    return key if axis is None else jax.random.fold_in(key, jax.lax.axis_index(axis))
