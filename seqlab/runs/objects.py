"""Who meets whom? From a composed config to the objects of a run; the only room that sees a `DictConfig`."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import optax
from omegaconf import DictConfig, OmegaConf

from seqlab.checks import require_count, require_positive
from seqlab.generation.generate import require_can_generate
from seqlab.registry import blame, make
from seqlab.tasks.task import VOCABULARY
from seqlab.tracking import Console, WeightsAndBiases
from seqlab.training import Checkpoints, Family, Program, Training, choose_devices
from seqlab.types import ConfigError, Params

KEYS = (
    *("cell", "task", "architecture", "optimizer", "schedule", "training", "gradients", "tracking"),
    *("seed", "resume", "sweep"),
)
"""What a config holds."""


NUMBERS = (
    *(
        f"optimizer.{name}"
        for name in ("learning_rate", "weight_decay", "momentum", "b1", "b2", "decay", "eps")
    ),
    *("training.clip_norm", "training.clip_value", "architecture.dropout"),
    *("cell.recurrent_scale", "cell.forget_bias_init"),
)
"""The keys whose numbers a compiled program takes as arguments, beside the seed: runs that differ in nothing
else are one family. The cell's say how parameters start, and no more."""

VARYING = ("seed", *NUMBERS)
"""All keys at which the runs of a family may differ, as far as the program goes."""

SWITCHES = ("architecture.dropout",)
"""Those of them at which 0 is not a number like others: it leaves something out."""

APART = ("seed", "resume", "sweep", "tracking")
"""Keys that no program knows."""


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything a run is made of.

    Attributes:
        family: the programs that are alike but for numbers, its own among them.
        numbers: its own numbers, by key.
        num_devices: over how many devices the rows of a batch are spread, where it runs alone.
        choices: the names chosen for `cell`, `architecture`, `task` and, where there is one, `experiment`.
        seed: the seed.
        resume: null, "auto" or the path of a run folder.
        console: the listener at the terminal.
        wandb: the listener at Weights & Biases.
        config: the whole resolved config, as plain dicts.
    """

    family: Family
    numbers: Mapping[str, float]
    num_devices: int
    choices: Mapping[str, str]
    seed: int
    resume: str | None
    console: Console
    wandb: WeightsAndBiases
    config: Mapping[str, Any]

    def __post_init__(self) -> None:
        require_count(self, "seed")

    @property
    def program(self) -> Program:
        """What is trained, but for the numbers."""
        return self.family.program


def build(config: DictConfig, choices: Mapping[str, Any]) -> Run:
    """Make the objects of a run.

    Args:
        config: as Hydra composes it from `conf/train.yaml`.
        choices: the names chosen for the config's groups, as Hydra records them.

    Raises:
        ConfigError: a key, a value or a target that is not legal.
        IncompatibleError: an architecture that does not fit the task.
    """
    plain = _plain(config)
    if unknown := sorted(set(plain) - set(KEYS)):
        raise ConfigError(f"{unknown[0]} is not a key: the legal keys are {', '.join(KEYS)}")
    architecture = choices["architecture"]
    with blame(""):
        program = _program(plain, architecture)
        if program.training.sample_length:
            require_can_generate(program.task, program.network)
        family, numbers = _family(plain, architecture, program)
        return Run(
            family=family,
            numbers=numbers,
            num_devices=_num_devices(program.training),
            choices={name: choices[name] for name in _NAMES if choices.get(name)},
            seed=plain["seed"],
            resume=plain["resume"],
            console=make(plain["tracking"], "console", "tracking."),
            wandb=make(plain["tracking"], "wandb", "tracking."),
            config=plain,
        )


def _program(plain: Mapping[str, Any], architecture: str) -> Program:
    """Make the program of a run; numbers of `NUMBERS` may be traced arrays."""
    task = make(plain, "task")
    cell = make(plain, "cell")
    with blame("cell."):
        require_positive(cell, "features")
    task.checked_framing(architecture)
    specs = {"inputs": task.input_spec(architecture), "outputs": task.output_spec(architecture)}
    network = make(plain, "architecture", cell=cell, **specs)
    training = make(plain, "training")
    gradients, optimizer = make(plain, "gradients"), _optimizer(plain)
    return Program(task, network, optimizer, training, gradients.diagnostics)


def _family(plain: Mapping[str, Any], architecture: str, program: Program) -> tuple[Family, dict[str, float]]:
    """Return the family of a run, and the run's numbers."""
    found = {key: _at(plain, key) for key in NUMBERS}
    numbers = {key: float(value) for key, value in found.items() if _is_number(key, value)}
    rest = {key: value for key, value in plain.items() if key not in APART}
    alike = json.dumps([architecture, _with(rest, dict.fromkeys(numbers, "a number"))], sort_keys=True)

    def at(given: Mapping[str, Any]) -> Program:
        return _program(_with(plain, given), architecture)

    starts = frozenset(key for key in numbers if key.startswith("cell."))
    return _first(Family(alike, program, at, starts)), numbers


@functools.lru_cache(maxsize=16)
def _first(family: Family) -> Family:
    """Return the first family that equals this one: what was computed for it need not be again."""
    return family


def _is_number(key: str, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and not (key in SWITCHES and value == 0)


def _at(plain: Mapping[str, Any], key: str) -> Any:
    """Return the value at a key `group.name`; None where there is none."""
    group, name = key.split(".")
    return plain[group].get(name)


def _with(plain: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with other values at keys `group.name`."""
    changed = dict(plain)
    for key, value in values.items():
        group, name = key.split(".")
        changed[group] = {**changed[group], name: value}
    return changed


def load(folder: str | Path) -> tuple[Program, Params]:
    """Return the program of a finished run and its best parameters by validation.

    Raises:
        ConfigError: the folder is not one of a run, or the run was never evaluated.
    """
    hydra = Path(folder) / ".hydra"
    if not (hydra / "config.yaml").is_file():
        raise ConfigError(f"RUN_DIR={folder} is not a run folder: it has no .hydra/config.yaml")
    choices = OmegaConf.load(hydra / "hydra.yaml").hydra.runtime.choices
    config = OmegaConf.load(hydra / "config.yaml")
    if (vocabulary := Path(folder) / VOCABULARY).is_file():
        config.task.vocabulary = str(vocabulary)
    program = build(config, choices).program
    return program, Checkpoints(Path(folder)).restore_best(program.shapes.params)


_NAMES = ("cell", "architecture", "task", "experiment")


def _plain(config: DictConfig) -> dict[str, Any]:
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    _refuse_nan(plain, "")
    return plain


def _refuse_nan(node: Any, path: str) -> None:
    if isinstance(node, Mapping):
        for key, value in node.items():
            _refuse_nan(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, float) and not math.isfinite(node):
        raise ConfigError(f"{path} must be a finite number, got {node}")


def _num_devices(training: Training) -> int:
    if training.devices is None:
        return choose_devices(math.gcd(training.batch_size, training.evaluation_batch_size))
    if training.devices > (available := len(jax.local_devices())):
        raise ConfigError(f"training.devices must be at most {available} here, got {training.devices}")
    return training.devices


def _optimizer(plain: Mapping[str, Any]) -> optax.GradientTransformation:
    """Return the optimiser, its learning rate times the schedule's factor at each step."""
    settings = plain["optimizer"]
    for key, value in settings.items():
        if not key.startswith("_") and not isinstance(value, (int, float, jax.Array, type(None))):
            raise ConfigError(f"optimizer.{key} must be a number, got {value!r}")
    rate = settings["learning_rate"]
    if not isinstance(rate, jax.Array) and (isinstance(rate, bool) or rate is None or rate <= 0):
        raise ConfigError(f"optimizer.learning_rate must be a positive number, got {rate!r}")
    factor = make(plain, "schedule")
    return make(plain, "optimizer", learning_rate=lambda step: rate * factor(step))
