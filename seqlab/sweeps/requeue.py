"""Requeue of a sweep's SLURM job whose runs were interrupted, and their resume when it is started again."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import subprocess
from collections.abc import Generator

from omegaconf import open_dict

from seqlab.interrupts import interruptible
from seqlab.runs.request import Request
from seqlab.tracking.job import num_restarts
from seqlab.training import Checkpoints

_log = logging.getLogger(__name__)

SCONTROL_SECONDS = 60
"""How long the answer of `scontrol` is waited for."""


@contextlib.contextmanager
def requeued_when_interrupted(most_restarts: int) -> Generator[None]:
    """Requeue this SLURM job where a signal interrupts the block; it does nothing outside a job of submitit.

    The signal is one of `interrupts.SIGNALS`. Their handlers replace those of submitit in the block.

    Args:
        most_restarts: how often SLURM may have restarted the job before.

    Raises:
        KeyboardInterrupt: the block was interrupted. A job that ends so has no result, so that the launcher
            waits for its restart.
    """
    if os.environ.get("SUBMITIT_EXECUTOR") != "slurm":
        yield
        return
    requested = None
    try:
        with interruptible() as interrupts:
            try:
                yield
            finally:
                requested = interrupts.requested
    except KeyboardInterrupt:  # now a signal that follows from the requeue is not a second one
        if requested is not None and os.environ.get("SLURM_PROCID", "0") == "0":  # a full disk interrupts too
            _requeue(most_restarts)
        raise


def resumed_when_restarted(request: Request) -> Request:
    """Return the request of a run, with `resume=auto` where its job was restarted.

    A run with `overwrite=true` starts again at step 0: its folder may hold the run that it is to replace.
    """
    config = request.config
    if num_restarts() == 0 or config.get("overwrite"):
        return request
    if config.get("resume") is not None and Checkpoints(request.folder).latest_step() is None:
        return request  # it has not yet taken over the checkpoints of the run that it continues
    config = config.copy()
    with open_dict(config):
        config.resume = "auto"
    return dataclasses.replace(request, config=config)


def _requeue(most_restarts: int) -> None:
    """Requeue this job, unless SLURM ends or requeues it anyway, or it may not be requeued."""
    if num_restarts() >= most_restarts:
        _log.warning(
            "the job is not requeued: SLURM has restarted it max_num_timeout=%d times", most_restarts
        )
        return
    job = _job()
    shown = _scontrol("--oneliner", "show", "job", job).split()
    if "JobState=RUNNING" in shown and "Requeue=1" in shown:
        _log.warning("the job %s is requeued", job)
        _scontrol("requeue", job)


def _job() -> str:
    """Return the job's id. The raw id of an array's last task is also that of the whole array."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else os.environ["SLURM_JOB_ID"]


def _scontrol(*words: str) -> str:
    """Return the answer of `scontrol`; empty where it fails, with a warning."""
    try:
        done = subprocess.run(
            ["scontrol", *words], capture_output=True, text=True, timeout=SCONTROL_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("the job is not requeued: %s %s", error, getattr(error, "stderr", None) or "")
        return ""
    return done.stdout
