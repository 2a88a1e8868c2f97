"""The job of a cluster that this process belongs to, and how often the job was restarted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator

Job = tuple[str, int]
"""The id of a job, which its restarts share, and the number of its restarts so far."""

_entered: list[Job] = []


def current_job() -> Job | None:
    """Return the job of the block `as_job`, or else that of SLURM; None outside of both."""
    if _entered:
        return _entered[-1]
    job = os.environ.get("SLURM_JOB_ID")
    return (job, num_restarts()) if job else None


def num_restarts() -> int:
    """Return how often the job of this process was restarted; 0 outside of one."""
    return _entered[-1][1] if _entered else int(os.environ.get("SLURM_RESTART_COUNT") or 0)


@contextlib.contextmanager
def as_job(job: Job) -> Generator[None]:
    """Let this process belong to a job in a block."""
    _entered.append(job)
    try:
        yield
    finally:
        _entered.pop()
