"""Who meets whom? From a composed config to the objects of a run; the only room that sees a `DictConfig`."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
from omegaconf import DictConfig, OmegaConf

from seqlab.checks import require_count, require_positive
from seqlab.tracking import Console, WeightsAndBiases
from seqlab.training import Checkpoints, Program, Training, choose_devices, require_writer
from seqlab.types import ConfigError, Params

ALLOWED = ("seqlab", "flax.linen", "optax", "jax.nn")
"""Where a `_target_` may point: a config must not be able to run any code there is."""

NOT_KEYS = ("parent", "name", "remedies", "truncation")
"""Arguments of targets that a config does not set."""

KEYS = (
    *("cell", "task", "architecture", "optimizer", "schedule", "training", "gradients", "tracking"),
    *("seed", "resume"),
)
"""What a config holds."""


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything a run is made of.

    Attributes:
        program: what is trained.
        choices: the names chosen for `cell`, `architecture`, `task` and, where there is one, `experiment`.
        seed: the seed.
        resume: null, "auto" or the path of a run folder.
        console: the listener at the terminal.
        wandb: the listener at Weights & Biases.
        config: the whole resolved config, as plain dicts.
    """

    program: Program
    choices: Mapping[str, str]
    seed: int
    resume: str | None
    console: Console
    wandb: WeightsAndBiases
    config: Mapping[str, Any]

    def __post_init__(self) -> None:
        require_count(self, "seed")


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
    task = _make(plain, "task")
    cell = _make(plain, "cell")
    with _blame("cell."):
        require_positive(cell, "features")
    architecture = choices["architecture"]
    task.framing(architecture)
    network = _make(
        plain,
        "architecture",
        cell=cell,
        inputs=task.input_spec(architecture),
        outputs=task.output_spec(architecture),
    )
    with _blame(""):
        training = _make(plain, "training")
        network.going_back(training.remedies)  # refuses what does not fit
        program = Program(
            task=task,
            architecture=architecture,
            network=network,
            optimizer=_optimizer(plain),
            training=training,
            gradients=_make(plain, "gradients"),
            num_devices=_num_devices(training),
        )
        if program.training.sample_length:
            require_writer(program)
        return Run(
            program=program,
            choices={name: choices[name] for name in _NAMES if choices.get(name)},
            seed=plain["seed"],
            resume=plain["resume"],
            console=_make(plain["tracking"], "console", "tracking."),
            wandb=_make(plain["tracking"], "wandb", "tracking."),
            config=plain,
        )


def load(folder: str | Path) -> tuple[Program, Params]:
    """Return the program of a finished run and its best parameters by validation.

    Raises:
        ConfigError: the folder is not one of a run, or the run was never evaluated.
    """
    hydra = Path(folder) / ".hydra"
    if not (hydra / "config.yaml").is_file():
        raise ConfigError(f"RUN_DIR={folder} is not a run folder: it has no .hydra/config.yaml")
    choices = OmegaConf.load(hydra / "hydra.yaml").hydra.runtime.choices
    program = build(OmegaConf.load(hydra / "config.yaml"), choices).program
    state = jax.eval_shape(program.init, jnp.uint32(0), program.task.data)
    return dataclasses.replace(program, num_devices=1), Checkpoints(Path(folder)).restore_best(state.params)


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
        if not key.startswith("_") and not isinstance(value, (int, float, type(None))):
            raise ConfigError(f"optimizer.{key} must be a number, got {value!r}")
    rate = settings["learning_rate"]
    if isinstance(rate, bool) or rate is None or rate <= 0:
        raise ConfigError(f"optimizer.learning_rate must be a positive number, got {rate!r}")
    factor = _make(plain, "schedule")
    return _make(plain, "optimizer", learning_rate=lambda step: rate * factor(step))


def _make(plain: Mapping[str, Any], group: str, prefix: str = "", **further: Any) -> Any:
    """Call the `_target_` of a group with the group's keys and the further arguments."""
    settings = {key: _value(value, f"{prefix}{group}.{key}") for key, value in plain[group].items()}
    target = locate(settings.pop("_target_", None), f"{prefix}{group}")
    legal = [name for name in inspect.signature(target).parameters if name not in NOT_KEYS]
    for key in settings:
        if key not in legal:
            offered = ", ".join(name for name in legal if name not in further)
            raise ConfigError(f"{prefix}{group}.{key} is not a key of {target.__name__}: legal are {offered}")
    with _blame(f"{prefix}{group}."):
        return target(**{**settings, **further})


def _value(value: Any, path: str) -> Any:
    """Turn a config value into an argument: a list into a tuple, a nested target into what it names."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, Mapping) and "_target_" in value:
        return functools.partial(
            locate(value["_target_"], path), **{k: v for k, v in value.items() if not k.startswith("_")}
        )
    return value


def locate(target: Any, path: str) -> Callable[..., Any]:
    """Return what a `_target_` names, if it may be named.

    Args:
        target: a dotted name.
        path: the config key that holds it, for the message.

    Raises:
        ConfigError: the name lies, or leads, outside `ALLOWED`, or names nothing that can be called.
    """
    package = next((name for name in ALLOWED if str(target).startswith(f"{name}.")), None)
    found = _find(str(target)) if package else None
    home = (getattr(found, "__module__", None) or "").partition(".")[0]
    if package is None or (found is not None and home != package.partition(".")[0]):
        raise ConfigError(f"{path}._target_={target} is refused: legal are names in {', '.join(ALLOWED)}")
    if not callable(found):
        raise ConfigError(f"{path}._target_={target} names nothing that can be called")
    return found


def _find(target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


@contextlib.contextmanager
def _blame(prefix: str) -> Iterator[None]:
    """Turn what an object says against its arguments into a ConfigError that names the config key."""
    try:
        yield
    except ConfigError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{prefix}{error}") from error
