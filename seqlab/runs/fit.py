"""Training of a network from Python objects, without a config."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import optax
from omegaconf import OmegaConf

from seqlab.architectures import Network
from seqlab.diagnostics import Diagnostic
from seqlab.interrupts import interruptible
from seqlab.metrics import Measures
from seqlab.metrics.measures import Measure
from seqlab.runs.execution import tracker_of
from seqlab.runs.files import holds_run
from seqlab.runs.folder import Trained
from seqlab.runs.multiprocess import digest_of, in_one_folder, require_same
from seqlab.runs.objects import Run, num_devices
from seqlab.runs.open_groups import require_measures
from seqlab.runs.program import train_runs
from seqlab.runs.request import Request
from seqlab.runs.sizes import num_params, state_size
from seqlab.runs.trained_run import TrainedRun
from seqlab.tasks.task import Task
from seqlab.tracking import Callback, RunInfo, Tracker, read_rows
from seqlab.training import (
    Checkpoints,
    Family,
    Plateau,
    Program,
    Training,
    offer_cores,
    use_compilation_cache,
)
from seqlab.training.processes import is_first, several, wait_for_all
from seqlab.types import ConfigError


def fit(
    task: Task,
    network: Network,
    training: Training | None = None,
    optimizer: optax.GradientTransformation | None = None,
    *,
    plateau: Plateau | None = None,
    seed: int = 0,
    loss: Measure | None = None,
    metrics: Mapping[str, Measure] | None = None,
    diagnostics: Sequence[Diagnostic] = (),
    callbacks: Sequence[Callback] = (),
    trackers: Sequence[Tracker] = (),
    folder: str | Path | None = None,
) -> TrainedRun:
    """Train a network on a task, as `seqlab.run` does from a config.

    Args:
        task: the task.
        network: the network, whose specs are those of the task.
        training: the number of steps, the batch size, cadences; the defaults of `Training` by default.
        optimizer: any optimiser of optax; Adam with a learning rate of 1e-3 by default.
        plateau: a factor on the updates that falls where evaluations stop to improve; None for none.
        seed: the seed of the parameters and of the batches.
        loss: what is minimised in place of the task's loss, as `seqlab.metrics.measures.Measure`.
        metrics: what is reported besides the task's metrics, by name.
        diagnostics: what rows contain in addition, as `seqlab.diagnostics.GradientDiagnostics().diagnostics`.
        callbacks: hooks (`seqlab.tracking.Callback`).
        trackers: listeners, as `seqlab.tracking.Console()`.
        folder: where to write `metrics.jsonl`, `summary.json` and checkpoints; None for nowhere.

    Returns:
        The trained run, with the best parameters by validation.

    Raises:
        ConfigError: the folder holds a run, or another process writes to it, or several processes, which
            `jax.distributed.initialize` has connected, have no folder or other settings.
            Or there are fewer devices than `training.devices`, or the optimiser must run on one.
            Or a metric has the name of one of the task, or a function fails on predictions and targets.
        IncompatibleError: the network's framing or the loss does not fit the task.
    """
    if folder is None and several():
        raise ConfigError("folder must be one that all processes of a run can read, got None")
    training = training or Training()
    if folder is None:  # nobody could read them
        training = dataclasses.replace(training, num_examples=0)
    optimizer = optax.adam(1e-3) if optimizer is None else optimizer
    offer_cores()
    require_same(digest_of([seed, training]), "seed, training and JAX_ENABLE_X64")
    use_compilation_cache(training.compilation_cache)
    task.checked_framing(network.framing)
    measures = Measures(loss, tuple((metrics or {}).items()))
    program = Program(task, network, optimizer, training, tuple(diagnostics), measures, plateau=plateau)
    require_measures(program)
    make = functools.partial(_run, program, seed, callbacks=callbacks, trackers=trackers)
    if folder is not None:
        return _fit(make, Path(folder), temporary=False)
    with tempfile.TemporaryDirectory(prefix="seqlab-") as place:
        return _fit(make, Path(place), temporary=True)


def _fit(make: Callable[[Path], Run], folder: Path, temporary: bool) -> TrainedRun:
    """Train the run of a folder, and return it with what that holds, which may be removed afterwards."""
    with interruptible(), in_one_folder(folder) as folder:
        if holds_run(folder):
            raise ConfigError(f"folder={folder} holds a run: legal is a folder without one, or None")
        run = make(folder)
        wait_for_all("before the folder changes")
        [summary] = train_runs([run], run.plan, tracker_of)
        wait_for_all("the folder is written")
    checkpoints = Checkpoints(folder)
    params = None if checkpoints.best_step() is None else checkpoints.restore_best()

    def trained() -> Trained:
        if params is None:
            raise ConfigError(
                f"the run has no best parameters: it was never evaluated, and {summary['status']}"
            )
        return Trained(run.program, params)

    where = None if temporary else folder
    summary = {**summary, "folder": None if temporary else summary["folder"]}
    return TrainedRun(trained, {}, summary, read_rows(folder), where)


def _run(
    program: Program, seed: int, folder: Path, *, callbacks: Sequence[Callback], trackers: Sequence[Tracker]
) -> Run:
    task, network, training = program.task, program.network, program.training
    names = {"cell": type(network.cell).__name__, "architecture": network.framing, "task": task.name}
    info = RunInfo(
        folder=folder,
        goal=task.goal(network.framing),
        cell=names["cell"],
        architecture=names["architecture"],
        task=names["task"],
        seed=seed,
        steps=training.steps,
        tokens_per_step=program.tokens_per_step,
        num_params=num_params(program),
        state_size=state_size(program),
    )
    return Run(
        request=Request(OmegaConf.create({"seed": seed}), names, folder),
        family=Family.of(program),
        hyperparameters={},
        num_devices=num_devices(program),
        trackers={type(tracker).__name__: tracker for tracker in trackers},
        info=info,
        callbacks=tuple(callbacks) if is_first() else (),
    )
