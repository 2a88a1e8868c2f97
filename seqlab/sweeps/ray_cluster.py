"""Jobs of a sweep as tasks of Ray, on this machine or on a running cluster with a shared file system."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import logging
import math
import os
import socket
import subprocess
import sys
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.checks import require_count, require_number, require_positive
from seqlab.interrupts import interruptible
from seqlab.registry import import_extra
from seqlab.tracking.job import Job, as_job
from seqlab.types import ConfigError, UnfinishedRunError

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
"""How long a connection may take."""

CANCEL_SECONDS = 120
"""How long interrupted jobs are given to save their runs."""

STATUS_SECONDS = 15
"""How long `ray status` is given."""

OBJECT_STORE_BYTES = 100_000_000
"""The memory of the objects that jobs pass; requests and summaries of runs are small."""

PASSED_ON = ("JAX_", "XLA_", "SEQLAB_", "PYTHONPATH")
"""What the names of environment variables begin with that the nodes of a running cluster get from here."""


@dataclasses.dataclass(frozen=True)
class RayCluster:
    """A cluster of Ray, and what a job takes of it.

    Attributes:
        address: None to start Ray on this machine until the sweep ends, `auto` for the running cluster that
            this machine is a node of, or HOST:PORT of that cluster.
        num_cpus: the cores of a job, which are its devices.
        num_gpus: the GPUs of a job; below 1, several jobs share one.
        resources: further resources of a job, by the names that the cluster gives them.
        max_retries: how often a job is started again after its node or its process died.

    Raises:
        ValueError: a value that is not legal.
    """

    address: str | None = None
    num_cpus: int = 1
    num_gpus: float = 0
    resources: Mapping[str, float] = dataclasses.field(default_factory=dict)
    max_retries: int = 3

    def __post_init__(self) -> None:
        require_positive(self, "num_cpus")
        require_number(self, "num_gpus", low=0)
        require_count(self, "max_retries")
        if not _are_amounts(self.resources):
            raise ValueError(f"resources must be amounts by name, such as {{big: 1}}, got {self.resources!r}")
        if self.address not in (None, "auto") and not _is_host_and_port(self.address):
            raise ValueError(f"address must be null, auto or HOST:PORT, got {self.address!r}")

    @property
    def needs(self) -> dict[str, float]:
        """What a job takes, by the names that Ray uses."""
        return {"CPU": self.num_cpus, "GPU": self.num_gpus, **self.resources}

    def connect(self) -> None:
        """Start Ray, or connect to its cluster; the end of this process ends both.

        Raises:
            ConfigError: Ray is not installed, nothing answers at the address, or this machine alone is to run
                the jobs and has not what one takes.
        """
        ray = import_extra("ray", "ray")
        if ray.is_initialized():
            return
        address = os.environ.get("RAY_ADDRESS", "auto") if self.address == "auto" else self.address
        if address is not None and _is_host_and_port(address):
            _require_answer(address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report its use to its makers
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns about this variable
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        local = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings(
                    "ignore", r"os\.fork\(\) was called"
                )  # its child starts another program
                if self.address is None:
                    ray.init("local", **quiet, **local)
                else:
                    ray.init(self.address, runtime_env={"env_vars": _environment()}, **quiet)
        except Exception as error:  # of several kinds, by version
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ConfigError(f"hydra.launcher.address={self.address or 'null'}: {reason[0]}") from error
        if self.address is None and not self._fits(ray):
            own: dict[str, float] = ray.cluster_resources()
            here = ", ".join(f"{name}: {own.get(name, 0):g}" for name, amount in self.needs.items() if amount)
            ray.shutdown()
            raise ConfigError(f"hydra.launcher: a job takes {self._told()}, but this machine has {here}")

    def submit(
        self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], logs: Path
    ) -> list[Any]:
        """Call a function in jobs of the cluster, and wait for all of them.

        Args:
            function: what each job calls. It may be called again where a node died.
            arguments: the arguments of each job.
            logs: the folder of what the jobs print.

        Returns:
            What each call returned, or the error of its job.

        Raises:
            KeyboardInterrupt: this process was interrupted. The jobs had time to save their runs.
        """
        ray = importlib.import_module("ray")
        logs = logs.absolute()
        logs.mkdir(parents=True, exist_ok=True)
        sweep, cwd = uuid.uuid4().hex, Path.cwd()
        task = ray.remote(_in_task).options(
            num_cpus=self.num_cpus, num_gpus=self.num_gpus, resources=dict(self.resources), max_retries=0
        )

        def start(index: int, restarts: int) -> Any:
            job = (f"{sweep}-{index}", restarts)
            return task.remote(job, self.num_cpus, cwd, logs / f"{index}.log", function, arguments[index])

        nodes = sum(node["Alive"] for node in ray.nodes())
        told = f"number of programs: {len(arguments)}, of nodes: {nodes}; each program takes {self._told()}"
        print(f"ray: {told}; what they print is in {logs}", flush=True)
        if not self._fits(ray):
            print("ray: no node has that now; the programs wait for one", flush=True)
        with (
            interruptible(),
            (logs / "cluster.log").open("a", encoding="utf-8") as file,
            contextlib.redirect_stdout(file),  # Ray prints the last 20 lines of the log of a node that dies
        ):
            return _wait(ray, start, len(arguments), self.max_retries)

    def _fits(self, ray: Any) -> bool:
        """Return whether a node has what a job takes."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return any(all(own.get(name, 0) >= n for name, n in self.needs.items()) for own in nodes)

    def _told(self) -> str:
        return ", ".join(f"{name}: {amount:g}" for name, amount in self.needs.items() if amount)


def _wait(ray: Any, start: Callable[[int, int], Any], count: int, max_retries: int) -> list[Any]:
    """Start jobs and wait for them; start those again that were lost.

    Args:
        ray: the module.
        start: starts a job, given its index and the number of its restarts, and returns its reference.
        count: the number of jobs.
        max_retries: the most restarts of a job.

    Returns:
        What each job returned, or its error.
    """
    pending: dict[Any, tuple[int, int]] = {}
    results: list[Any] = [None] * count
    try:
        pending |= {start(index, 0): (index, 0) for index in range(count)}
        while pending:
            (done,), _ = ray.wait(list(pending))
            index, restarts = pending.pop(done)
            try:
                results[index] = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                results[index] = error.cause
            except ray.exceptions.RayError as error:
                results[index] = UnfinishedRunError(f"its node or process died on Ray: {_name(error)}")
                if restarts < max_retries:
                    _log.warning("ray: program %d was lost and is started again: %s", index, _name(error))
                    pending[start(index, restarts + 1)] = (index, restarts + 1)
    except KeyboardInterrupt:
        for reference in pending:
            ray.cancel(reference)
        ray.wait(list(pending), num_returns=len(pending), timeout=CANCEL_SECONDS)
        raise
    return results


def _in_task(
    job: Job, num_cpus: int, cwd: Path, log: Path, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> Any:
    """Call a function in a worker of Ray, in the folder of the sweep's own process."""
    import jax

    with contextlib.suppress(RuntimeError):  # JAX has started for an earlier program, on as many devices
        jax.config.update("jax_num_cpu_devices", num_cpus)
    os.chdir(cwd)
    with (
        log.open("a", buffering=1, encoding="utf-8") as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
        as_job(job),
    ):
        return function(*arguments)


def _are_amounts(value: Any) -> bool:
    """Return whether a value is a mapping to positive numbers."""
    return isinstance(value, Mapping) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) and 0 < one < math.inf
        for one in value.values()
    )


def _name(error: Exception) -> str:
    return type(error).__name__


def _is_host_and_port(address: Any) -> bool:
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    return bool(host) and "/" not in host and port.isdecimal() and 0 < int(port) < 2**16


def _require_answer(address: str) -> None:
    """Raise ConfigError where no cluster answers at HOST:PORT; Ray itself would wait for minutes."""
    status = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
    try:
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        subprocess.run(status, check=True, capture_output=True, timeout=STATUS_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else "no Ray answers there"
        raise ConfigError(
            f"hydra.launcher.address={address} is no running cluster ({reason}): "
            "legal are null, auto and the HOST:PORT of one"
        ) from error


def _environment() -> dict[str, str]:
    """Return the environment variables that the nodes of a running cluster get."""
    return {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
