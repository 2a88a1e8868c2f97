"""Objects of a requested run: what is trained, from which state or parameters, and who listens."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from seqlab.registry import require_extras
from seqlab.runs.init_from import KEY as INIT_FROM
from seqlab.runs.init_from import begin, source_run, with_vocabulary
from seqlab.runs.memory import memory_note, with_chosen_memory
from seqlab.runs.objects import Run, make_family, num_devices
from seqlab.runs.open_groups import make_callbacks, make_trackers
from seqlab.runs.request import Request, resolve
from seqlab.runs.resume import FINGERPRINT, Kept, kept_by
from seqlab.runs.sizes import num_params, state_size
from seqlab.runs.sweep_place import place_of
from seqlab.runs.width import width_note
from seqlab.runs.window import window_note
from seqlab.tasks.data_notes import data_notes
from seqlab.tasks.task import VOCABULARY
from seqlab.tracking import RunInfo
from seqlab.training import Program


def require_legal(config: Mapping[str, Any]) -> None:
    """Refuse a resolved config that `build` would refuse in any folder. Nothing is written.

    Raises:
        ConfigError: as `build`.
    """
    family, _ = make_family(config)
    num_devices(family.program)
    make_trackers(config["tracking"])
    make_callbacks(config["callbacks"])
    require_extras(family.program.task.extras)


def build(request: Request) -> Run:
    """Make the objects of a run. Nothing is written.

    Raises:
        ConfigError: a key, a value or a target that is not legal.
        IncompatibleError: choices that do not fit together.
    """
    config = resolve(request.config)
    kept, transplant, record = kept_by(request, config), None, None
    if kept is None and (source := source_run(config)) is not None:
        family, numbers = make_family(with_chosen_memory(with_vocabulary(config, source)))
        transplant, record = begin(family.program, source, config)
    else:
        encoded, kept = _same_data(config, kept)
        family, numbers = make_family(with_chosen_memory(encoded))
    restored = None if kept is None else kept.restore(family.program, config)
    step = None if restored is None else int(restored.state.step)
    restores = restored.notes.get("restores", []) if restored else []
    if restores:
        numbers = {**numbers, "optimizer.learning_rate": restores[-1]["learning_rate"]}
    return Run(
        request=request,
        family=family,
        hyperparameters=numbers,
        num_devices=num_devices(family.program),
        trackers=make_trackers(config["tracking"]),
        callbacks=make_callbacks(config["callbacks"]),
        info=_info(request, config, family.program, step),
        source=None if kept is None else kept.folder,
        restored=restored,
        history=[] if kept is None or step is None else kept.history(step),
        restores=restores,
        transplant=transplant,
        init_from=restored.notes.get(INIT_FROM) if restored else record,
    )


def _same_data(config: Mapping[str, Any], kept: Kept | None) -> tuple[Mapping[str, Any], Kept | None]:
    """Return a config with the vocabulary of the run that it continues, and that run.

    Where the data are those of the run, so is what is read from them. Others are encoded by the run's
    vocabulary, classes and standardizers, and must be allowed. So are the data of a run that began from
    another one, as its vocabulary has symbols of both.
    """
    if kept is None:
        return config, None
    vocabulary = kept.folder / VOCABULARY
    has_own = "vocabulary" in config["task"] and vocabulary.is_file()
    own = {**config, "task": {**config["task"], "vocabulary": str(vocabulary)}} if has_own else config
    encoded = config if config[INIT_FROM] is None else own
    fingerprint = _fingerprint(encoded)
    if fingerprint != kept.notes.get(FINGERPRINT, fingerprint) and has_own:
        encoded, fingerprint = own, _fingerprint(own)
    return encoded, kept.require_same_data(fingerprint, config)


def _fingerprint(config: Mapping[str, Any]) -> str:
    return make_family(config)[0].program.task.fingerprint()


def _info(request: Request, config: Mapping[str, Any], program: Program, resumed_from: int | None) -> RunInfo:
    """Return the plain data about a run that its trackers receive."""
    draw = functools.partial(program.batch, jnp.uint32(0), jnp.int32(0), program.task.data)
    require_extras(program.task.extras)  # they are needed at the end, and refused at the start
    return RunInfo(
        folder=request.folder,
        config=config,
        **request.names,
        seed=config["seed"],
        steps=program.training.steps,
        tokens_per_step=program.tokens_per_step,
        num_params=num_params(program),
        state_size=state_size(program),
        goal=program.task.goal(program.network.framing),
        notes=(
            *width_note(program),
            *window_note(program.network, draw),
            *memory_note(config, program),
            *data_notes(program.task.data_summary()),
        ),
        resumed_from=resumed_from,
        **dataclasses.asdict(place_of(request.folder, request.hydra)),
    )
