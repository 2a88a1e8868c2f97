"""Beginning of a run from the trained parameters of another run: `init_from`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.data.artifacts import hold_to_grow, load_artifacts
from seqlab.registry import field_marks, locate
from seqlab.runs.changes import Changes, changes_between, describe
from seqlab.runs.files import read_request
from seqlab.runs.folder import Trained, load
from seqlab.runs.folders import is_run, why_no_run
from seqlab.runs.request import resolve
from seqlab.tasks.task import VOCABULARY
from seqlab.training import Checkpoints, Program
from seqlab.training.transplant import Growth, Transplant, transplant
from seqlab.types import ConfigError, IncompatibleError, Spec

KEY = "init_from"

NOT_IN_THE_FUNCTION = (
    *("recurrent_init", "recurrent_scale", "chrono", "param_dtype"),
    *("dropout", "recurrent_dropout", "zoneout", "weight_drop", "stochastic_depth", "scheduled_sampling"),
    *("num_params", "target_state_size"),
)
"""Keys of cells and architectures that only act on initial parameters or in training. So does every field
that is marked `"traced": "initial"`; and
`num_params` and `target_state_size` choose `cell.features`, which is compared. All others
must be those of the trained run."""

MEANING = ("task._target_", "task.level")
"""The keys of a task that say what its symbols are."""


class Source(NamedTuple):
    """A trained run from which another one begins.

    Attributes:
        folder: its folder, as the config names it.
        config: its resolved config.
        trained: its program, and the parameters of its best evaluation.
        artifacts: its symbols, classes and standardizers; empty where it has none.
    """

    folder: str
    config: Mapping[str, Any]
    trained: Trained
    artifacts: Mapping[str, Any]


def source_run(config: Mapping[str, Any]) -> Source | None:
    """Return the run that `init_from` names; None where a run begins from fresh parameters.

    Raises:
        ConfigError: it is no folder of a trained run.
        IncompatibleError: its cell, its architecture or its task is another one.
    """
    if (folder := config[KEY]) is None:
        return None
    if not is_run(Path(folder)):
        reason = why_no_run(Path(folder))
        raise ConfigError(f"{KEY}={folder} {reason}: legal are null and the folder of a trained run")
    try:
        old = resolve(read_request(folder).config)
        changes = changes_between(old, config)
        _require_same_function(folder, changes, config)
        source = Source(folder, old, load(folder), _artifacts(folder))
    except IncompatibleError:
        raise
    except ConfigError as error:
        raise ConfigError(f"{KEY}={folder}: {error}") from error
    if config["task"].get("vocabulary") is not None:
        raise ConfigError(
            f"task.vocabulary={config['task']['vocabulary']} does not fit {KEY}={folder}, "
            "whose vocabulary is kept: legal value is null"
        )
    return source


def with_vocabulary(config: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return a config whose task keeps the vocabulary of a trained run, and appends its own new symbols."""
    if "vocabulary" not in config["task"] or not source.artifacts:
        return dict(config)
    return {**config, "task": {**config["task"], "vocabulary": hold_to_grow(source.artifacts)}}


def begin(program: Program, source: Source, config: Mapping[str, Any]) -> tuple[Transplant, dict[str, Any]]:
    """Return the parameters from which a run begins, and what its summary says of them.

    Args:
        program: the program of the run, with the vocabulary of `with_vocabulary`.
        source: the trained run.
        config: the resolved config of the run.

    Raises:
        IncompatibleError: a spec or a parameter does not fit.
    """
    added = _added(program, source)
    try:
        inputs, outputs = _growths(program, source.trained.program, added)
        batch = _batch_shapes(program)
        shapes = program.shapes.params
        planted = transplant(source.trained.params, shapes, program.network, batch, inputs, outputs)
    except IncompatibleError as error:
        changes = changes_between(source.config, config)
        differing = {key: pair for key, pair in changes.items() if key.startswith("task.")}
        reason = f": {describe(differing)}" if differing else ""
        raise IncompatibleError(f"{KEY}={source.folder} does not fit: {error}{reason}") from error
    step = _step(source.folder)
    return planted, {"folder": str(Path(source.folder).absolute()), "step": step, "added": added}


def _require_same_function(folder: str, changes: Changes, config: Mapping[str, Any]) -> None:
    """Raise IncompatibleError where a config changes what the parameters of a trained run mean."""
    free = {
        f"{group}.{name}"
        for group in ("cell", "architecture")
        for name, mark in field_marks(locate(config[group].get("_target_"), group)).items()
        if mark.get("traced") == "initial"
    }
    refused = {
        key: pair
        for key, pair in changes.items()
        if key in MEANING
        or (
            key.startswith(("cell.", "architecture."))
            and key not in free
            and key.partition(".")[2] not in NOT_IN_THE_FUNCTION
        )
    }
    if kinds := {key: pair for key, pair in refused.items() if key.endswith("._target_")}:
        refused = kinds  # their other keys differ as they are other classes
    if refused:
        raise IncompatibleError(
            f"{KEY}={folder} does not fit: {describe(refused)}: legal are the values of that run"
        )


def _artifacts(folder: str) -> Mapping[str, Any]:
    path = Path(folder) / VOCABULARY
    return (load_artifacts(str(path)) or {}) if path.is_file() else {}


def _added(program: Program, source: Source) -> dict[str, int]:
    """Return how many symbols each list of artifacts has got.

    Raises:
        IncompatibleError: the artifacts do not begin with those of the trained run.
    """
    if not source.artifacts or program.task.encoded is None:
        return {}
    added: dict[str, int] = {}
    artifacts = program.task.encoded.artifacts
    for name, old in source.artifacts.items():
        new = artifacts.get(name, ())
        if list(new[: len(old)]) != list(old):
            raise IncompatibleError(
                f"{KEY}={source.folder} does not fit: its {name} are not kept by task {program.task.name}"
            )
        if len(new) > len(old):
            added[name] = len(new) - len(old)
    return added


def _growths(program: Program, trained: Program, added: Mapping[str, int]) -> tuple[Growth, Growth]:
    """Return how inputs and outputs grew."""
    framing = program.network.framing
    old = trained.task.input_spec(framing), trained.task.output_spec(framing)
    new = program.task.input_spec(framing), program.task.output_spec(framing)
    for kind, before, after in zip(("inputs", "outputs"), old, new, strict=True):
        if before != after and not _has_grown(before, after, added):
            raise IncompatibleError(f"its {kind} are {before}, and here they are {after}")
    ends = program.task.end_symbol(framing) == new[1].size - 1
    return Growth(old[0], new[0]), Growth(old[1], new[1], int(ends))


def _has_grown(old: Spec, new: Spec, added: Mapping[str, int]) -> bool:
    """Return whether a spec has just the new symbols in addition."""
    return type(old) is type(new) and new.size - old.size in added.values()


def _batch_shapes(program: Program) -> Any:
    return jax.eval_shape(lambda data: program.batch(jnp.uint32(0), jnp.int32(0), data), program.task.data)


def _step(folder: str) -> int | None:
    """Return the step of the parameters that `load` returns."""
    checkpoints = Checkpoints(Path(folder))
    best = checkpoints.best_step()
    return checkpoints.latest_step() if best is None else best
