"""Runs of a sweep as few programs: those that differ in hyperparameters alone are trained together."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from seqlab.checks import require_positive
from seqlab.runs.execution import prepare, train_runs
from seqlab.runs.objects import Run
from seqlab.runs.outcome import Outcome, earlier_outcome
from seqlab.runs.request import Request
from seqlab.sweeps.cluster import submit
from seqlab.tracking import Console, GroupConsole, RunFolder, Tracker, Trackers
from seqlab.training.vectorize.planning import choose_plan, most_runs
from seqlab.types import ConfigError, IncompatibleError

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Sharing:
    """How runs of one family share a program; each limit is None by default.

    Attributes:
        runs_per_program: the most runs of one program; None for as many as fit into memory.
        vmap_size: the number of runs that step together, by `vmap`; None to choose it by a measurement.
        devices: the number of devices; None for all.

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


def execute_all(requests: Sequence[Request], sharing: Sharing) -> list[Outcome]:
    """Execute runs, those of one family as one program; return their outcomes in order.

    A program that fails does not affect the others.

    Raises:
        KeyboardInterrupt: a run was interrupted; the remaining programs are not started.
    """
    outcomes, programs = _programs(requests)
    for runs in programs:
        ended = _train_program(runs, sharing)
        outcomes |= ended
        if any(isinstance(one, dict) and one["status"] == "interrupted" for one in ended.values()):
            raise KeyboardInterrupt
    return [outcomes[index] for index in range(len(requests))]


def submit_all(
    requests: Sequence[Request], sharing: Sharing, logs: Path, cluster: Mapping[str, Any]
) -> list[Outcome]:
    """Execute runs as `execute_all` does, each program as a job of a cluster.

    Args:
        requests: the runs.
        sharing: how runs share a program. A family of more than `runs_per_program` runs is several jobs.
        logs: where the jobs write their logs.
        cluster: the settings of `seqlab.sweeps.cluster.submit`.
    """
    outcomes, programs = _programs(requests)
    size = sharing.runs_per_program
    parts = [part for runs in programs for part in _parts(list(runs), size or len(runs))]
    arguments = [([requests[index] for index in part], sharing) for part in parts]
    for part, ended in zip(parts, submit(execute_all, arguments, logs, cluster), strict=True):
        outcomes |= zip(part, [ended] * len(part) if isinstance(ended, Exception) else ended, strict=True)
    return [outcomes[index] for index in range(len(requests))]


def _programs(requests: Sequence[Request]) -> tuple[dict[int, Outcome], list[dict[int, Run]]]:
    """Return the outcomes of runs that need no training, and the other runs, grouped by program.

    Both are keyed by the index of the request.
    """
    outcomes: dict[int, Outcome] = {}
    programs: dict[Hashable, dict[int, Run]] = {}
    for index, request in enumerate(requests):
        try:
            if (earlier := earlier_outcome(request)) is not None:
                outcomes[index] = earlier
                continue
            run = prepare(request)
        except ConfigError as error:
            if not isinstance(error, IncompatibleError):
                _log.error("%s (%s)", error, request.folder)
            outcomes[index] = error
            continue
        programs.setdefault((run.family, run.info.resumed_from or 0), {})[index] = run
    return outcomes, list(programs.values())


def _parts(indices: list[int], size: int) -> list[list[int]]:
    return [indices[start : start + size] for start in range(0, len(indices), size)]


def _train_program(runs: Mapping[int, Run], sharing: Sharing) -> dict[int, Outcome]:
    """Train runs of one family under one plan, in as many parts as memory requires."""
    first = next(iter(runs.values()))
    devices = sharing.devices or len(jax.local_devices())
    size = min(len(runs), sharing.runs_per_program or most_runs(first.program, devices))
    plan, measured = choose_plan(first.family, size, first.hyperparameters, sharing.vmap_size, devices)
    _log.info("%d runs as one program: %s", size, plan)
    group_consoles = {
        name: GroupConsole(tracker)
        for name, tracker in first.trackers.items()
        if isinstance(tracker, Console)
    }

    def tracker_of(run: Run) -> Tracker:
        return Trackers([RunFolder(run.info.folder)], list({**run.trackers, **group_consoles}.values()))

    outcomes: dict[int, Outcome] = {}
    for part in _parts(list(runs), size):
        try:
            further = {"microseconds_per_update": measured}
            summaries = train_runs([runs[index] for index in part], plan, tracker_of, further)
            outcomes |= dict(zip(part, summaries, strict=True))
        except Exception as error:  # the other programs continue; the launcher reports this error at the end
            _log.exception("%d runs failed", len(part))
            outcomes |= dict.fromkeys(part, error)
    return outcomes
