"""Runs of a sweep as few programs: those that differ in hyperparameters alone are trained together."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax

from seqlab.checks import require_bool, require_positive
from seqlab.interrupts import interruptible
from seqlab.runs.execution import open_folder, prepare
from seqlab.runs.files import holds_run, write_request
from seqlab.runs.objects import Run
from seqlab.runs.outcome import Outcome
from seqlab.runs.program import restore_while_diverged, train_runs
from seqlab.runs.request import Request
from seqlab.sweeps.requeue import resumed_when_restarted
from seqlab.sweeps.search.pruning import pruning_of
from seqlab.tracking import Console, GroupConsole, RunFolder, Tracker, Trackers, write_atomically
from seqlab.tracking.lock import locked
from seqlab.training import Plan
from seqlab.training.vectorize.planning import choose_plan, most_runs
from seqlab.types import ConfigError, IncompatibleError

_log = logging.getLogger(__name__)

Submit = Callable[
    [Callable[..., list[Outcome]], Sequence[tuple[Any, ...]]], Sequence[list[Outcome] | Exception]
]
"""Calls a function with the arguments of each job, in processes of its own; returns what each call returned,
or the error of its job."""

PLAN = ".plan.json"
"""The file in a run folder that says how the run shares its program, so that a resumed sweep is the same."""


@dataclasses.dataclass(frozen=True)
class Sharing:
    """How runs of one family share a program; each limit is None by default.

    Runs with `recurrence.backend=cudnn` or `native` share none: they are trained one after another, as with
    `exact`.

    Attributes:
        runs_per_program: the most runs of one program; None for as many as fit into memory.
        vmap_size: the number of runs that step together, by `vmap`; None to choose it by a measurement.
        devices: the number of devices; None for all.
        exact: whether runs are trained one after another, each by the program and on the devices that it has
            when it is run alone, so that its results are equal bit for bit. The limits are None then.

    Raises:
        ValueError: a limit that is neither null nor a positive integer, or a limit where `exact` is true.
    """

    runs_per_program: int | None = None
    vmap_size: int | None = None
    devices: int | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        require_bool(self, "exact")
        for name in ("runs_per_program", "vmap_size", "devices"):
            if getattr(self, name) is not None:
                require_positive(self, name)
                if self.exact:
                    raise ValueError(f"{name} must be null where exact is true, got {getattr(self, name)}")


def execute_all(requests: Sequence[Request], sharing: Sharing) -> list[Outcome]:
    """Execute runs, those of one family as one program; return their outcomes in order.

    A program that fails does not affect the others. A single run is trained as it is outside of a sweep.

    Raises:
        ConfigError: another process writes to one of the folders.
        KeyboardInterrupt: a run was interrupted; the remaining programs are not started.
    """
    if len(requests) == 1 and sharing == Sharing():
        sharing = Sharing(exact=True)
    with interruptible(), locked(request.folder for request in requests):
        outcomes, programs = _programs(requests)
        for runs in programs:
            for run in runs.values():
                open_folder(run)
        for runs in programs:
            ended = _train_program(runs, sharing)
            outcomes |= ended
            if any(isinstance(one, dict) and one["status"] == "interrupted" for one in ended.values()):
                raise KeyboardInterrupt
    return [outcomes[index] for index in range(len(requests))]


def submit_all(requests: Sequence[Request], sharing: Sharing, submit: Submit) -> list[Outcome]:
    """Execute runs as `execute_all` does, each program as a job in another process.

    Args:
        requests: the runs.
        sharing: how runs share a program. A family of more than `runs_per_program` runs is several jobs.
        submit: runs the jobs and waits for them.
    """
    outcomes, programs = _programs(requests)
    for run in (run for runs in programs for run in runs.values()):
        if not holds_run(run.info.folder):
            write_request(run.request)  # so that a sweep's table lists the runs that wait
    size = sharing.runs_per_program
    parts = [part for runs in programs for part in _parts(runs, size or len(runs))]
    arguments = [([requests[index] for index in part], sharing) for part in parts]
    for part, ended in zip(parts, submit(_execute_in_job, arguments), strict=True):
        outcomes |= zip(part, [ended] * len(part) if isinstance(ended, Exception) else ended, strict=True)
    return [outcomes[index] for index in range(len(requests))]


def _execute_in_job(requests: Sequence[Request], sharing: Sharing) -> list[Outcome]:
    """Execute runs as `execute_all` does, in a job that may have been restarted."""
    return execute_all([resumed_when_restarted(request) for request in requests], sharing)


def _programs(requests: Sequence[Request]) -> tuple[dict[int, Outcome], list[dict[int, Run]]]:
    """Return the outcomes of runs that need no training, and the other runs, grouped by program.

    Both are keyed by the index of the request.
    """
    outcomes: dict[int, Outcome] = {}
    programs: dict[Hashable, dict[int, Run]] = {}
    for index, request in enumerate(requests):
        try:
            run = prepare(request)
        except ConfigError as error:
            if not isinstance(error, IncompatibleError):
                _log.error("%s (%s)", error, request.folder)
            outcomes[index] = error
            continue
        if not isinstance(run, Run):
            outcomes[index] = run
            continue
        run = dataclasses.replace(run, callbacks=(*run.callbacks, *pruning_of(request)))
        programs.setdefault((run.family, run.info.resumed_from, _kept_plan(run)), {})[index] = run
    return outcomes, list(programs.values())


def _kept_place(run: Run) -> tuple[Plan, int] | None:
    """Return the plan of the program that a resumed run was part of, and its place; None where there is none.

    Under another plan, or at another place, a run would go on with other rounding errors.
    """
    if run.info.config["resume"] is None or run.program.recurrence.uses_kernel:
        return None
    try:
        kept = json.loads((run.info.folder / PLAN).read_text(encoding="utf-8"))
        plan, place = Plan(**kept["plan"]), int(kept["place"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    fits = plan.devices <= len(jax.local_devices()) and 0 <= place < plan.num_runs
    fits &= plan.feature_devices == run.program.training.feature_devices
    return (plan, place) if fits else None


def _kept_plan(run: Run) -> Plan | None:
    """Return the plan that a resumed run keeps; None where it is to be chosen."""
    kept = _kept_place(run)
    return kept and kept[0]


def _parts(runs: Mapping[int, Run], size: int) -> list[list[int]]:
    """Return the indices of runs in parts of at most `size`; those that are resumed, by their places."""
    indices = list(runs)
    if _kept_plan(runs[indices[0]]) is None:
        return [indices[start : start + size] for start in range(0, len(indices), size)]
    parts: list[dict[int, int]] = []
    for index in indices:
        place = _place(runs[index])
        part = next((part for part in parts if place not in part), None)
        if part is None:
            parts.append(part := {})
        part[place] = index
    return [list(part.values()) for part in parts]


def _place(run: Run) -> int:
    """Return the place of a resumed run in its plan."""
    kept = _kept_place(run)
    assert kept is not None
    return kept[1]


def _choose(runs: Mapping[int, Run], sharing: Sharing) -> tuple[int, Plan, dict[str, float]]:
    """Return how many runs of a family are one program, their plan, and what was measured for it."""
    first = next(iter(runs.values()))
    if (kept := _kept_plan(first)) is not None:
        return kept.num_runs, kept, {}
    return choose_program(first, len(runs), sharing)


def choose_program(first: Run, count: int, sharing: Sharing) -> tuple[int, Plan, dict[str, float]]:
    """Return how many of `count` fresh runs of a family are one program, its plan, and what was measured.

    Args:
        first: one of the runs.
        count: their number.
        sharing: how they share a program.
    """
    shares_parameters = first.program.training.feature_devices > 1
    # vmap has no rule for cuDNN, and would run our kernel once for each run
    if sharing.exact or shares_parameters or first.program.recurrence.uses_kernel:
        return 1, first.plan, {}
    devices = sharing.devices or len(jax.local_devices())
    size = min(count, sharing.runs_per_program or most_runs(first.program, devices, devices))
    return size, *choose_plan(first.family, size, first.hyperparameters, sharing.vmap_size, devices)


def _train_program(runs: Mapping[int, Run], sharing: Sharing) -> dict[int, Outcome]:
    """Train runs of one family under one plan, in as many parts as memory requires."""
    first = next(iter(runs.values()))
    size, plan, measured = _choose(runs, sharing)
    together = f"{plan.vmap_size} at a time on each of {plan.devices} devices"
    group_consoles = {
        name: GroupConsole(tracker, together)
        for name, tracker in first.trackers.items()
        if isinstance(tracker, Console)
    }

    def tracker_of(run: Run) -> Tracker:
        return Trackers([RunFolder(run.info.folder)], list({**run.trackers, **group_consoles}.values()))

    outcomes: dict[int, Outcome] = {}
    for part in _parts(runs, size):
        members = [runs[index] for index in part]
        resumed = _kept_plan(first) is not None
        places = [_place(run) for run in members] if resumed else list(range(len(members)))
        for run, place in zip(members, places, strict=True):
            kept = {"plan": dataclasses.asdict(plan), "place": place}
            write_atomically(run.info.folder / PLAN, json.dumps(kept) + "\n")
        try:
            further = {"microseconds_per_update": measured}
            summaries = [
                restore_while_diverged(run, summary, tracker_of)
                for run, summary in zip(
                    members, train_runs(members, plan, tracker_of, further, places), strict=True
                )
            ]
            outcomes |= dict(zip(part, summaries, strict=True))
        except Exception as error:  # the other programs continue; the launcher reports this error at the end
            _log.exception("%d runs failed", len(part))
            outcomes |= dict.fromkeys(part, error)
    return outcomes
