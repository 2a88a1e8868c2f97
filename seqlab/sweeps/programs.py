"""Which jobs of a sweep are one program, and how does each come to its end?"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Hashable, Mapping, Sequence

import jax

from seqlab.checks import require_positive
from seqlab.execution import Job, Outcome, Ready, make_ready, settled_before, train_ready
from seqlab.tracking import RunFolder, Tracker, Trackers
from seqlab.training.planning import choose_plan, most_runs
from seqlab.types import ConfigError, IncompatibleError

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Together:
    """How runs of one family share a program.

    Attributes:
        runs_per_program: how many at the most; None for as many as fit into memory.
        block: how many step together; None lets a measurement decide.
        devices: over how many devices; None for all.

    Raises:
        ValueError: a value that is neither null nor a positive integer.
    """

    runs_per_program: int | None = None
    block: int | None = None
    devices: int | None = None

    def __post_init__(self) -> None:
        for name in ("runs_per_program", "block", "devices"):
            if getattr(self, name) is not None:
                require_positive(self, name)


def train_jobs(jobs: Sequence[Job], together: Together) -> list[Outcome]:
    """Run jobs, those of one family as one program; return their outcomes in the order of the jobs.

    What does not fit is reported before anything is compiled. A program that fails loses no other.
    """
    outcomes: dict[int, Outcome] = {}
    programs: dict[Hashable, dict[int, Ready]] = {}
    for index, job in enumerate(jobs):
        try:
            if (settled := settled_before(job)) is not None:
                outcomes[index] = settled
                continue
            ready = make_ready(job)
        except ConfigError as error:
            kind = "incompatible" if isinstance(error, IncompatibleError) else "error"
            _log.warning("%s: %s (%s)", kind, error, job.folder)
            outcomes[index] = error
            continue
        programs.setdefault((ready.run.family, ready.info.resumed_from or 0), {})[index] = ready
    for group in programs.values():
        outcomes |= _train_group(group, together)
    return [outcomes[index] for index in range(len(jobs))]


def _train_group(group: Mapping[int, Ready], together: Together) -> dict[int, Outcome]:
    """Train jobs of one family, in as many parts as memory asks for, all under one plan."""
    indices, first = list(group), next(iter(group.values())).run
    devices = together.devices or len(jax.local_devices())
    size = min(len(group), together.runs_per_program or most_runs(first.program, devices))
    plan, measured = choose_plan(first.family, size, first.numbers, together.block, devices)
    _log.info("%d runs as one program: %s", size, plan)
    further = {"microseconds_per_update": measured}
    outcomes: dict[int, Outcome] = {}
    for start in range(0, len(indices), size):
        part = indices[start : start + size]
        try:
            summaries = train_ready([group[index] for index in part], plan, _listeners, further)
            outcomes |= dict(zip(part, summaries, strict=True))
        except Exception as error:  # the other programs go on; this one is told of at once and at the end
            _log.exception("%d runs failed", len(part))
            outcomes |= dict.fromkeys(part, error)
    return outcomes


def _listeners(ready: Ready) -> Tracker:
    """Return what hears of a run among many: the terminal has room for one alone."""
    return Trackers([RunFolder(ready.info.folder)], [ready.run.wandb])
