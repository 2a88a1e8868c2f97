"""Jobs of a cluster, submitted by submitit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.sweeps.requeue import requeued_when_interrupted
from seqlab.training import offer_cores
from seqlab.types import ConfigError

TASKS = ("nodes", "tasks_per_node", "slurm_ntasks_per_node")
"""Parameters of submitit for jobs of several processes, each of which would run the whole job."""


def require_one_process(settings: Mapping[str, Any]) -> None:
    """Raise ConfigError where a job would be several processes."""
    for name in TASKS:
        if settings.get(name) not in (None, 1):
            raise ConfigError(
                f"hydra.launcher.cluster.{name} must be 1, as one process trains all runs of a job, "
                f"got {settings[name]!r}: with hydra/launcher=slurm several train a run together"
            )


def submit(
    function: Callable[..., list[Any]],
    arguments: Sequence[tuple[Any, ...]],
    folder: Path,
    settings: Mapping[str, Any],
) -> list[list[Any] | Exception]:
    """Call a function in jobs of a cluster, and wait for all of them.

    Args:
        function: what each job calls, on a node that shares the file system.
        arguments: the arguments of each job.
        folder: where the jobs write their logs.
        settings: `cluster`, which is slurm or local, and submitit's parameters, such as `timeout_min` and
            `max_num_timeout`, which is how often a job may requeue itself.

    Returns:
        What each call returned, or the error of its job.

    Raises:
        ConfigError: submitit is not installed, or a parameter is unknown to it.
    """
    try:
        import submitit
    except ImportError as error:
        raise ConfigError("hydra.launcher.cluster needs submitit: pip install 'seqlab[slurm]'") from error
    parameters = dict(settings)
    most_restarts = parameters.pop("max_num_timeout", 0)
    if type(most_restarts) is not int or most_restarts < 0:
        raise ConfigError(
            f"hydra.launcher.cluster.max_num_timeout must be an integer >= 0, got {most_restarts!r}"
        )
    try:
        cluster = parameters.pop("cluster", None)
        executor = submitit.AutoExecutor(folder / "%j", cluster=cluster, slurm_max_num_timeout=most_restarts)
        executor.update_parameters(**parameters)
    except (NameError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"hydra.launcher.cluster: {error}") from error
    with executor.batch():
        jobs = [executor.submit(_on_node, most_restarts, function, *each) for each in arguments]
    return [_result(job) for job in jobs]


def _on_node(most_restarts: int, function: Callable[..., list[Any]], *arguments: Any) -> list[Any]:
    offer_cores()
    with requeued_when_interrupted(most_restarts):
        return function(*arguments)


def _result(job: Any) -> list[Any] | Exception:
    try:
        return job.result()
    except Exception as error:  # a node can fail in any way
        return error
