"""Train: `python -m seqlab.train [+experiment=NAME] [key=value …]`, or `-m` for a sweep."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hydra
import jax
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from seqlab.build import Run, build
from seqlab.commands import SHOW_TRACES, complain
from seqlab.overrides import HYDRA_ERRORS, composed, explain
from seqlab.paths import CONF
from seqlab.provenance import git_commit, versions
from seqlab.sweeps.axes import place_of
from seqlab.sweeps.cost import cost
from seqlab.tracking import RunFolder, RunInfo, Trackers
from seqlab.training import Checkpoints, offer_cores
from seqlab.training import train as train_program
from seqlab.types import ConfigError, IncompatibleError


class UnfinishedRunError(Exception):
    """A run that was asked for did not finish; its summary says why."""


def main() -> None:
    """Read the command line and run what it asks for; exit 0 only where every run finished."""
    offer_cores()
    application = hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")(_job)
    if SHOW_TRACES:
        application()
    else:
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing over many lines
        sys.exit(_guarded(application))


def run(overrides: list[str]) -> dict[str, Any]:
    """Train one model from Python; see `seqlab.run`."""
    offer_cores()
    config = composed(overrides)
    folder = Path(config.hydra.run.dir)
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    plain = OmegaConf.create({key: value for key, value in config.items_ex(resolve=False) if key != "hydra"})
    OmegaConf.save(plain, folder / ".hydra" / "config.yaml")
    OmegaConf.save(
        OmegaConf.create({"hydra": {"runtime": {"choices": config.hydra.runtime.choices}}}),
        folder / ".hydra" / "hydra.yaml",
    )
    return execute(plain, config.hydra.runtime.choices, folder)


def execute(config: DictConfig, choices: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Build and train one run; return what was written to `summary.json`.

    Raises:
        ConfigError: a key, a value or a combination that does not fit; `summary.json` then says failed, or
            incompatible.
    """
    written = RunFolder(folder)
    identity = {name: choices.get(name) for name in ("cell", "architecture", "task")}
    identity["seed"] = config.seed
    try:
        run = build(config, choices)
        info, identity = _introduce(run, folder, identity)
    except ConfigError as error:
        status = "incompatible" if isinstance(error, IncompatibleError) else "failed"
        written.finish({"status": status, "reason": str(error), **identity})
        raise
    tracker = Trackers([written], [run.console, run.wandb])
    tracker.start(info)
    try:
        summary = identity | train_program(run.program, info, tracker)
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        tracker.finish({"status": status, "reason": f"{type(error).__name__}: {error}", **identity})
        raise
    tracker.finish(summary)
    return summary


def _introduce(run: Run, folder: Path, identity: dict[str, Any]) -> tuple[RunInfo, dict[str, Any]]:
    """Say what a run is, to its listeners and in its summary."""
    program = run.program
    shapes = jax.eval_shape(program.init, jax.numpy.uint32(0), program.task.data)
    goal = program.task.goal(program.architecture)
    info = RunInfo(
        folder=folder,
        config=run.config,
        **{name: run.choices[name] for name in ("cell", "architecture", "task")},
        seed=run.seed,
        experiment=run.choices.get("experiment"),
        steps=program.training.steps,
        tokens_per_step=program.tokens_per_step,
        num_params=sum(leaf.size for leaf in jax.tree.leaves(shapes.params)),
        goal=goal,
        resumed_from=_resumed_step(run.resume, folder),
        **dataclasses.asdict(place_of(folder)),
    )
    return info, identity | {
        "experiment": info.experiment,
        "num_params": info.num_params,
        "num_devices": program.num_devices,
        "metric": goal.metric,
        "higher_is_better": goal.higher_is_better,
        "chance": goal.chance,
        "baseline": goal.baseline,
        "solved_at": goal.solved,
        "data_fingerprint": program.task.fingerprint(),
        "versions": versions(),
        "git_commit": git_commit(),
    }


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


def _job(config: DictConfig) -> float | None:
    """Do one job of Hydra's, a run alone or one of a sweep, and return its cost, which a search minimises.

    A sweep goes on after a job that fails.
    """
    context = HydraConfig.get()
    swept = context.mode == RunMode.MULTIRUN
    try:
        summary = execute(config, context.runtime.choices, Path(context.runtime.output_dir))
    except ConfigError as error:
        if swept and isinstance(error, IncompatibleError):
            print(f"incompatible: {error}", flush=True)
            return None
        if swept or SHOW_TRACES:
            raise
        sys.exit(complain(error))
    if summary["status"] == "interrupted":
        raise KeyboardInterrupt  # ends a sweep too
    if summary["status"] != "finished":
        if swept:
            raise UnfinishedRunError(f"{summary['status']}: {summary['reason']}")
        sys.exit(1)
    return cost(summary)


def _guarded(application: Callable[[], None]) -> int:
    """Call the application and return its exit status, each error being one line."""
    try:
        application()
    except KeyboardInterrupt:
        return 130
    except HYDRA_ERRORS as error:
        return complain(explain(error))
    except (ConfigError, UnfinishedRunError) as error:
        return complain(error)
    except OSError as error:
        return complain(ConfigError(f"hydra.run.dir cannot be written: {error}"))
    return 0


if __name__ == "__main__":
    main()
