"""How does a config become a summary? Jobs are made ready, trained, and told to their listeners."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from omegaconf import DictConfig

from seqlab.runs.cost import cost
from seqlab.runs.objects import Run, build
from seqlab.runs.provenance import git_commit, versions
from seqlab.runs.sweep_place import place_of
from seqlab.tracking import RunFolder, RunInfo, Tracker, Trackers, read_summary
from seqlab.training import Checkpoints, Monitor, Plan, compiled_functions, train
from seqlab.types import ConfigError, IncompatibleError

SETTLED = ("finished", "diverged", "incompatible")
"""How a run can have ended that would end so again: a resumed sweep leaves it as it is."""


class Job(NamedTuple):
    """What there is to run.

    Attributes:
        config: as Hydra composes it from `conf/train.yaml`.
        choices: the names chosen for the config's groups.
        folder: the run folder.
    """

    config: DictConfig
    choices: Mapping[str, Any]
    folder: Path


@dataclasses.dataclass(frozen=True)
class Ready:
    """A job whose objects are made.

    Attributes:
        run: the objects.
        info: what the listeners are told.
        identity: what the summary says beside how the run went.
    """

    run: Run
    info: RunInfo
    identity: Mapping[str, Any]


def execute(job: Job) -> dict[str, Any]:
    """Run one job by itself; return what was written to `summary.json`.

    Raises:
        ConfigError: a key, a value or a combination that does not fit; `summary.json` then says failed, or
            incompatible.
    """
    if (settled := settled_before(job)) is not None:
        return settled
    ready = make_ready(job)
    return train_ready([ready], Plan(devices=ready.run.num_devices), listeners)[0]


Outcome = dict[str, Any] | Exception
"""What becomes of a job: its summary, or what kept it from having one."""


class UnfinishedRunError(Exception):
    """A run that was asked for did not finish; its summary says why."""


def concluded(outcome: Outcome) -> float | None:
    """Return the cost of a job of a sweep that finished; None where its combination does not fit.

    Raises:
        UnfinishedRunError: the run ended otherwise.
        KeyboardInterrupt: the run was interrupted, which ends a sweep.
        Exception: what kept the job from being run.
    """
    if isinstance(outcome, IncompatibleError):
        return None
    if isinstance(outcome, Exception):
        raise outcome
    if outcome["status"] == "interrupted":
        raise KeyboardInterrupt
    if outcome["status"] == "incompatible":
        return None
    if outcome["status"] != "finished":
        raise UnfinishedRunError(f"{outcome['status']}: {outcome['reason']}")
    return cost(outcome)


def settled_before(job: Job) -> dict[str, Any] | None:
    """Return the summary of a job that a resumed sweep leaves as it is; None for one that is to be run."""
    if job.config.sweep.resume is None:
        return None
    try:
        summary = read_summary(job.folder)
    except FileNotFoundError:
        return None
    return summary if summary["status"] in SETTLED else None


def make_ready(job: Job) -> Ready:
    """Make the objects of a job.

    Raises:
        ConfigError: as `execute`.
    """
    identity = {name: job.choices.get(name) for name in ("cell", "architecture", "task")}
    identity["seed"] = job.config.seed
    try:
        run = build(job.config, job.choices)
        ready = _introduced(run, job.folder, identity)
    except ConfigError as error:
        status = "incompatible" if isinstance(error, IncompatibleError) else "failed"
        RunFolder(job.folder).finish({"status": status, "reason": str(error), **identity})
        raise
    for name, text in run.program.task.kept().items():
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / name).write_text(text, encoding="utf-8")
    return ready


def listeners(ready: Ready) -> Tracker:
    """Return what hears of a run that runs by itself."""
    return Trackers([RunFolder(ready.info.folder)], [ready.run.console, ready.run.wandb])


def train_ready(
    group: Sequence[Ready],
    plan: Plan,
    listeners: Callable[[Ready], Tracker],
    further: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Train jobs of one family as one program, and tell their listeners how each ended.

    Args:
        group: the jobs, which start afresh or go on from the same step.
        plan: how they lie on the devices.
        listeners: returns what hears of a run.
        further: what the summaries say besides.
    """
    family = group[0].run.family
    compiled_functions(family, plan).prepare(group[0].run.numbers)  # while the listeners are told
    trackers = [listeners(ready) for ready in group]
    for ready, tracker in zip(group, trackers, strict=True):
        tracker.start(ready.info)
    monitors = [
        Monitor(family.program, ready.info, tracker, ready.run.numbers)
        for ready, tracker in zip(group, trackers, strict=True)
    ]
    try:
        told = train(family, monitors, plan)
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        for ready, tracker in zip(group, trackers, strict=True):
            reason = f"{type(error).__name__}: {error}"
            tracker.finish({"status": status, "reason": reason, **ready.identity})
        raise
    summaries = [
        {**ready.identity, **summary, **(further or {})} for ready, summary in zip(group, told, strict=True)
    ]
    for tracker, summary in zip(trackers, summaries, strict=True):
        tracker.finish(summary)
    return summaries


def _introduced(run: Run, folder: Path, identity: dict[str, Any]) -> Ready:
    """Say what a run is, to its listeners and in its summary."""
    program = run.program
    goal = program.task.goal(program.network.framing)
    info = RunInfo(
        folder=folder,
        config=run.config,
        **{name: run.choices[name] for name in ("cell", "architecture", "task")},
        seed=run.seed,
        experiment=run.choices.get("experiment"),
        steps=program.training.steps,
        tokens_per_step=program.tokens_per_step,
        num_params=sum(leaf.size for leaf in jax.tree.leaves(program.shapes.params)),
        goal=goal,
        resumed_from=_resumed_step(run.resume, folder),
        **dataclasses.asdict(place_of(folder)),
    )
    identity = identity | {
        "experiment": info.experiment,
        "num_params": info.num_params,
        "num_devices": run.num_devices,
        "metric": goal.metric,
        "higher_is_better": goal.higher_is_better,
        "chance": goal.chance,
        "baseline": goal.baseline,
        "solved_at": goal.solved,
        "data_fingerprint": program.task.fingerprint(),
        "data": program.task.account(),
        "versions": versions(),
        "git_commit": git_commit(),
    }
    return Ready(run, info, identity)


def _resumed_step(resume: str | None, folder: Path) -> int | None:
    """Return the step a run goes on from, its checkpoints being in its folder; None for a fresh start.

    Raises:
        ConfigError: the run to resume has no checkpoint.
    """
    if resume is None:
        return None
    checkpoints = Checkpoints(folder)
    if resume != "auto":
        source = Path(resume)
        if Checkpoints(source).latest_step() is None:
            raise ConfigError(f"resume={resume} holds no checkpoint: legal are null, auto and a run folder")
        if source.resolve() != folder.resolve():
            checkpoints.adopt(source)
            shutil.copy(source / "metrics.jsonl", folder)
    return checkpoints.latest_step()
