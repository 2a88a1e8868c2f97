"""Which jobs of a sweep are one program, and how does each come to its end?"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from seqlab.checks import require_positive
from seqlab.runs.execution import Job, Outcome, Ready, make_ready, settled_before, train_ready
from seqlab.sweeps.cluster import submitted
from seqlab.tracking import Chorus, RunFolder, Tracker, Trackers
from seqlab.training.vectorize.planning import choose_plan, most_runs
from seqlab.types import ConfigError, IncompatibleError

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Together:
    """How runs of one family share a program.

    Attributes:
        runs_per_program: how many at the most; None for as many as fit into memory.
        vmap_size: how many step together; None lets a measurement decide.
        devices: over how many devices; None for all.

    Raises:
        ValueError: a value that is neither null nor a positive integer.
    """

    runs_per_program: int | None = None
    vmap_size: int | None = None
    devices: int | None = None

    def __post_init__(self) -> None:
        for name in ("runs_per_program", "vmap_size", "devices"):
            if getattr(self, name) is not None:
                require_positive(self, name)


def train_jobs(jobs: Sequence[Job], together: Together) -> list[Outcome]:
    """Run jobs, those of one family as one program; return their outcomes in the order of the jobs.

    A program that fails loses no other.

    Raises:
        KeyboardInterrupt: a run was interrupted; the programs to come are left.
    """
    outcomes, programs = _programs(jobs)
    for group in programs:
        ended = _train_group(group, together)
        outcomes |= ended
        if any(isinstance(one, dict) and one["status"] == "interrupted" for one in ended.values()):
            raise KeyboardInterrupt
    return [outcomes[index] for index in range(len(jobs))]


def submit_jobs(
    jobs: Sequence[Job], together: Together, logs: Path, cluster: Mapping[str, Any]
) -> list[Outcome]:
    """Do as `train_jobs`, each program being a job of a cluster's.

    Args:
        jobs: what there is to run.
        together: how runs share a program; above `runs_per_program`, a family is several jobs of the cluster.
        logs: where the cluster's jobs keep their logs.
        cluster: as `submitted` wants it.
    """
    outcomes, programs = _programs(jobs)
    size = together.runs_per_program
    parts = [part for group in programs for part in _parts(list(group), size or len(group))]
    arguments = [([jobs[index] for index in part], together) for part in parts]
    for part, ended in zip(parts, submitted(train_jobs, arguments, logs, cluster), strict=True):
        outcomes |= zip(part, [ended] * len(part) if isinstance(ended, Exception) else ended, strict=True)
    return [outcomes[index] for index in range(len(jobs))]


def _programs(jobs: Sequence[Job]) -> tuple[dict[int, Outcome], list[dict[int, Ready]]]:
    """Return the outcomes of jobs that are not to be run, and the others, those of one program together."""
    outcomes: dict[int, Outcome] = {}
    programs: dict[Hashable, dict[int, Ready]] = {}
    for index, job in enumerate(jobs):
        try:
            if (settled := settled_before(job)) is not None:
                outcomes[index] = settled
                continue
            ready = make_ready(job)
        except ConfigError as error:
            if not isinstance(error, IncompatibleError):
                _log.error("%s (%s)", error, job.folder)
            outcomes[index] = error
            continue
        programs.setdefault((ready.run.family, ready.info.resumed_from or 0), {})[index] = ready
    return outcomes, list(programs.values())


def _parts(indices: list[int], size: int) -> list[list[int]]:
    return [indices[start : start + size] for start in range(0, len(indices), size)]


def _train_group(group: Mapping[int, Ready], together: Together) -> dict[int, Outcome]:
    """Train jobs of one family, in as many parts as memory asks for, all under one plan."""
    first = next(iter(group.values())).run
    devices = together.devices or len(jax.local_devices())
    size = min(len(group), together.runs_per_program or most_runs(first.program, devices))
    plan, measured = choose_plan(first.family, size, first.numbers, together.vmap_size, devices)
    _log.info("%d runs as one program: %s", size, plan)
    further, chorus = {"microseconds_per_update": measured}, Chorus(first.console)

    def listeners(ready: Ready) -> Tracker:
        return Trackers([RunFolder(ready.info.folder)], [chorus, ready.run.wandb])

    outcomes: dict[int, Outcome] = {}
    for part in _parts(list(group), size):
        try:
            summaries = train_ready([group[index] for index in part], plan, listeners, further)
            outcomes |= dict(zip(part, summaries, strict=True))
        except Exception as error:  # the other programs go on; this one is told of at once and at the end
            _log.exception("%d runs failed", len(part))
            outcomes |= dict.fromkeys(part, error)
    return outcomes
