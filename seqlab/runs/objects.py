"""Objects of a run: its parts, and the family of programs that a config describes."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from seqlab.architectures import Network
from seqlab.checks import require_positive
from seqlab.diagnostics import GradientDiagnostics
from seqlab.generation.generate import require_can_generate
from seqlab.recurrence import RecurrenceSettings
from seqlab.registry import blame, field_marks, locate, make
from seqlab.runs.hyperparameters import hyperparameters, replaced
from seqlab.runs.open_groups import (
    make_diagnostics,
    make_measures,
    require_measures,
)
from seqlab.runs.optimizer import make_optimizer, make_plateau
from seqlab.runs.request import Request
from seqlab.tasks import Task
from seqlab.tasks.source_stamp import source_stamp
from seqlab.tracking import Callback, RunInfo, Tracker
from seqlab.training import Family, Plan, Program, Training, choose_devices, use_compilation_cache
from seqlab.training.checkpoints import Restored
from seqlab.training.devices import require_available
from seqlab.training.transplant import Transplant
from seqlab.types import ConfigError, IncompatibleError

UNRELATED = (
    *("seed", "name", "notes", "resume", "init_from", "allow_changes", "overwrite", "debug"),
    *("sweep", "tracking", "callbacks", "distributed"),
)
"""Top-level keys that no program depends on."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run is made of.

    Attributes:
        request: what was asked for.
        family: the programs that are equal but for hyperparameters, this run's among them.
        hyperparameters: this run's numbers, by config key.
        num_devices: the number of devices of a run by itself.
        trackers: the listeners that the config names, by their key under `tracking`.
        info: plain data about the run, for the trackers.
        source: the folder of the run that it continues; None for a fresh start.
        restored: the state that it continues from, with the notes of its checkpoint; None for a fresh start.
        history: the list `resumed` of its summary: an entry for each resume.
        restores: the list `restores` of its summary: an entry for each time that it was restored after a
            divergence, with the learning rate from then on.
        callbacks: the hooks that are called while it is trained.
        transplant: the trained parameters that it begins from; None for fresh ones.
        init_from: what its summary says of the run that had trained them.
    """

    request: Request
    family: Family
    hyperparameters: Mapping[str, float]
    num_devices: int
    trackers: Mapping[str, Tracker]
    info: RunInfo
    source: Path | None = None
    restored: Restored | None = None
    history: Sequence[Mapping[str, Any]] = ()
    restores: Sequence[Mapping[str, Any]] = ()
    callbacks: tuple[Callback, ...] = ()
    transplant: Transplant | None = None
    init_from: Mapping[str, Any] | None = None

    @property
    def program(self) -> Program:
        """What is trained, at the hyperparameters of the family's first run."""
        return self.family.program

    @property
    def plan(self) -> Plan:
        """The placement of the run by itself."""
        return Plan(devices=self.num_devices, feature_devices=self.program.training.feature_devices)


def make_family(config: Mapping[str, Any]) -> tuple[Family, dict[str, float]]:
    """Return the family of a resolved config, and the config's hyperparameters.

    Raises:
        ConfigError: a key, a value or a target that is not legal.
        IncompatibleError: choices that do not fit together.
    """
    use_compilation_cache(
        config["training"].get("compilation_cache") is not False
    )  # before anything compiles
    with blame(""):
        program = _program(config)
        require_measures(program)
        if program.training.sample_length:
            require_can_generate(program.task, program.network)
    numbers, initial = hyperparameters(config)
    related = {key: value for key, value in config.items() if key not in UNRELATED}
    alike = replaced(related, dict.fromkeys(numbers, "a number"))
    on_host = [name for name, mark in field_marks(type(program.training)).items() if mark.get("host")]
    compiled = replaced(alike, {f"training.{name}": None for name in ("steps", *on_host)})
    stamp = source_stamp(program.task)
    key, compile_key = ((json.dumps(one, sort_keys=True), stamp) for one in (alike, compiled))
    family = Family(key, compile_key, program, lambda given: _program(replaced(config, given)), initial)
    return _first_equal(family), numbers


def num_devices(program: Program) -> int:
    """Return the number of devices of a run by itself.

    Raises:
        ConfigError: there are not so many devices, or the optimiser must run on one.
    """
    training = program.training
    if program.evaluates_loss:
        needs = "with an optimizer that calls the loss, such as a line search"
        if training.devices not in (None, 1) or training.feature_devices > 1:
            most = training.devices or training.feature_devices
            raise ConfigError(f"training.devices must be 1 {needs}, got {most}")
        if jax.process_count() > 1:
            raise ConfigError(
                f"distributed.num_processes must be null or 1 {needs}, got {jax.process_count()}: "
                "choose another optimizer, or one process"
            )
        return 1
    if training.devices is None:
        return choose_devices(
            math.gcd(training.batch_size // training.accumulate, training.evaluation_batch_size),
            training.feature_devices,
        )
    require_available(training.devices, training.feature_devices)
    return training.devices


@functools.lru_cache(maxsize=16)
def _first_equal(family: Family) -> Family:
    """Return the first family that equals this one, so that its data and compiled functions are reused."""
    return family


@functools.lru_cache(maxsize=4)
def _first_equal_task(task: Task, source: Hashable) -> Task:
    """Return the first task that equals this one, so that programs which differ otherwise share its data.

    Args:
        task: the task.
        source: what `source_stamp` returns, so that a file that was written again is read again.
    """
    return task


def _program(config: Mapping[str, Any]) -> Program:
    """Make the program of a config, whose hyperparameters may be traced arrays."""
    task = make_task(config)
    network = make_network(config, task)
    training: Training = make_kind(config, "training", Training)
    gradients: GradientDiagnostics = make_kind(config, "gradients", GradientDiagnostics)
    diagnostics = (*gradients.diagnostics, *make_diagnostics(config["diagnostics"]))
    recurrence: RecurrenceSettings = make_kind(config, "recurrence", RecurrenceSettings)
    if training.precision == "bfloat16" and recurrence.uses_kernel:
        raise IncompatibleError(
            f"training.precision=bfloat16 does not fit recurrence.backend={recurrence.backend}: "
            "legal value is float32"
        )
    if training.feature_devices > 1 and recurrence.uses_kernel:
        raise IncompatibleError(
            f"training.feature_devices={training.feature_devices} does not fit "
            f"recurrence.backend={recurrence.backend}: legal value is 1"
        )
    measures = make_measures(config)
    optimizer, plateau = make_optimizer(config), make_plateau(config)
    return Program(task, network, optimizer, training, diagnostics, measures, recurrence, plateau)


def make_task(config: Mapping[str, Any]) -> Task:
    """Make the task of a config."""
    task = make(config["task"], "task")
    return _first_equal_task(task, source_stamp(task))


def make_network(config: Mapping[str, Any], task: Task) -> Network:
    """Make the network of a config for its task."""
    cell = make(config["cell"], "cell")
    with blame("cell."):
        require_positive(cell, "features")
    framing = _framing(config["architecture"])
    task.checked_framing(framing)
    specs = {"inputs": task.input_spec(framing), "outputs": task.output_spec(framing)}
    return make(config["architecture"], "architecture", cell=cell, **specs)


def make_kind(config: Mapping[str, Any], key: str, kind: type) -> Any:
    """Make what a node names; raise ConfigError where its target is no such class."""
    target = config[key].get("_target_") if isinstance(config[key], Mapping) else None
    found = locate(target, key)
    if not (inspect.isclass(found) and issubclass(found, kind)):
        raise ConfigError(
            f"{key}._target_={target} is refused: legal are {kind.__qualname__} and its subclasses"
        )
    return make(config[key], key)


def _framing(settings: Any) -> str:
    """Return the framing that an architecture's class declares; the name of its YAML file means nothing."""
    target = settings.get("_target_") if isinstance(settings, Mapping) else None
    network_class = locate(target, "architecture")
    if (framing := getattr(network_class, "framing", None)) is None:
        raise ConfigError(f"architecture._target_={target} is not a network: it declares no framing")
    return framing
