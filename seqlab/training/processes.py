"""Processes that train one run together, each with its own devices: settings, and what they agree on.

All of them make the same calls in the same order. Only the first tells what happens and writes.
"""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
from jax.experimental import multihost_utils

from seqlab.checks import require_count, require_positive
from seqlab.types import ConfigError

AUTO = "auto"
"""The coordinator that JAX finds in the environment of a cluster."""

MOST_BYTES = 4096
"""The most bytes of a text that processes share."""


@dataclasses.dataclass(frozen=True)
class Distributed:
    """How the processes of a run find each other: the `distributed` group of the config.

    Attributes:
        coordinator: null for a run of one process. Or the address `host:port` at which the others reach
            process 0. Or "auto" for what JAX finds: the tasks of a SLURM step, the hosts of a Cloud TPU, the
            processes of Open MPI or Kubernetes.
        num_processes: the number of processes; null with "auto".
        process_id: the number of this process, from 0; null with "auto".

    Raises:
        ValueError: an attribute is not legal, or is missing.
    """

    coordinator: str | None = None
    num_processes: int | None = None
    process_id: int | None = None

    def __post_init__(self) -> None:
        others = self.num_processes, self.process_id
        if self.coordinator in (None, AUTO):
            if others != (None, None):
                raise ValueError(
                    f"coordinator must be host:port where num_processes or process_id is given, "
                    f"got {'null' if self.coordinator is None else AUTO}"
                )
            return
        host, _, port = str(self.coordinator).rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"coordinator must be null, auto or host:port, got {self.coordinator!r}")
        require_positive(self, "num_processes")
        require_count(self, "process_id")
        if self.process_id >= self.num_processes:  # type: ignore[operator]
            raise ValueError(f"process_id must be below {self.num_processes=}, got {self.process_id}")

    def connect(self) -> None:
        """Connect this process with the others, unless it is connected. JAX must not have started before.

        Raises:
            ConfigError: the processes do not find each other.
        """
        if self.coordinator is None or jax.distributed.is_initialized():
            return
        address = None if self.coordinator == AUTO else self.coordinator
        jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM from our handlers
        try:
            jax.distributed.initialize(address, self.num_processes, self.process_id)
        except (RuntimeError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"distributed.coordinator={self.coordinator} finds no other processes: {reason}"
            ) from error


def several() -> bool:
    """Say whether there are other processes."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def is_first() -> bool:
    """Say whether this process is the one that tells and writes."""
    return not several() or jax.process_index() == 0


def wait_for_all(name: str) -> None:
    """Wait until every process is here."""
    if several():
        multihost_utils.sync_global_devices(name)


def any_of(flag: bool) -> bool:
    """Say whether a flag holds in any of the processes."""
    if not several():
        return flag
    return bool(np.any(multihost_utils.process_allgather(np.asarray(flag))))


def flag_of_first(flag: bool) -> bool:
    """Return a flag of the first process, which decides for all."""
    if not several():
        return flag
    return bool(multihost_utils.broadcast_one_to_all(np.asarray(flag)))


def text_of_first(text: str) -> str:
    """Return a text of the first process, of at most `MOST_BYTES` bytes."""
    if not several():
        return text
    padded = np.frombuffer(text.encode().ljust(MOST_BYTES, b"\0"), np.uint8)
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(padded))).rstrip(b"\0").decode()
