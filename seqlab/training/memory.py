"""Memory that the backward pass of a program needs, and memory that is free."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp

from seqlab.architectures import Recurrent
from seqlab.training.processes import flag_of_first
from seqlab.training.program import Program
from seqlab.types import Batch, Tree

SHARE_OF_MEMORY = 0.5
"""The share of the free memory that a program may plan for; what it computes meanwhile takes more."""

MOST_SAVED = 32
"""More numbers than the backward pass of any cell saves of a step, for each number of carry and output."""

_CGROUPS = Path("/sys/fs/cgroup")


def needs_chunks(program: Program, num_devices: Callable[[Program], int]) -> bool:
    """Say whether what the backward pass of a step saves would take more than its share of the free memory.

    A bound that costs nothing answers for small networks and short sequences. Only beyond it, the backward
    pass is traced.

    Args:
        program: the program.
        num_devices: returns the number of devices that the program runs on.
    """
    batch = jax.eval_shape(lambda data: program.batch(jnp.uint32(0), jnp.int32(0), data), program.task.data)
    return flag_of_first(
        _most_saved(program, batch) > SHARE_OF_MEMORY * free_memory(1)
        and saved_bytes(program, batch) > SHARE_OF_MEMORY * free_memory(num_devices(program))
    )


def saved_bytes(program: Program, batch: Batch) -> int:
    """Return the bytes that the backward pass of a whole batch, which may be abstract, saves at a time.

    With `training.accumulate`, they are those of one microbatch.
    """
    backward, count = program.recurrence.applied(program.training.backward), program.training.accumulate
    rows = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((leaf.shape[0] // count, *leaf.shape[1:]), leaf.dtype), batch
    )

    def saved(params: Tree, batch: Batch) -> Tree:
        return jax.vjp(lambda params: program.network.apply(params, batch, backward=backward), params)[1]

    return num_bytes(jax.eval_shape(saved, program.shapes.params, rows))


def num_bytes(tree: Tree) -> int:
    """Return the bytes of a tree of arrays, which may be abstract."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def free_memory(num_devices: int) -> float:
    """Return the free bytes of devices, or of the host whose memory they share; infinity if unknown."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return (stats["bytes_limit"] - stats["bytes_in_use"]) * num_devices
    return min(_available(), _cgroup_limit())


def _most_saved(program: Program, batch: Batch) -> int:
    """Return a number of bytes that the recurrences of a step do not exceed."""
    network = program.network
    if not isinstance(network, Recurrent):
        return 0
    sizes = network.num_layers * network.stack.features + network.state_size
    positions = sum(math.prod(leaf.shape[:2]) for leaf in (batch.inputs, batch.targets))
    return MOST_SAVED * jnp.dtype(float).itemsize * positions * sizes


def _available() -> float:
    """Return the bytes of the host that programs can get, with what Linux only uses for caches of files."""
    with contextlib.suppress(OSError):
        if found := re.search(r"^MemAvailable: *(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE):
            return 1024 * int(found[1])
    with contextlib.suppress(ValueError, OSError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return math.inf


def _cgroup_limit() -> float:
    """Return the memory limit of a container or of a cluster's job (cgroup v2); infinity without one."""
    limits: list[int] = []
    with contextlib.suppress(OSError):
        found = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
        own = _CGROUPS / (found[1] if found else "")
        for group in (own, *own.parents):
            with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                limits.append(int((group / "memory.max").read_text()))
    return min(limits, default=math.inf)
