"""Checkpoints of a run: the latest states, to resume from, and the best parameters, to evaluate."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from seqlab.tracking.disk import disk_error, require_room, when_there_is_room
from seqlab.tracking.encoding import from_json, to_json
from seqlab.training.digests import damage_of, write_digests
from seqlab.training.last_step import best_steps
from seqlab.training.orbax_manager import manager_of, write_checkpoint
from seqlab.training.processes import is_first
from seqlab.training.saved_shapes import abstract, on_host, shapes
from seqlab.training.state import TrainState
from seqlab.types import ConfigError, Params, Tree

_log = logging.getLogger(__name__)

NUM_LATEST = 2
"""How many of the latest states are kept. If the newest is damaged, a run resumes from the one before."""

_NOTES = "notes"
"""The key of the notes in Orbax's metadata of a checkpoint."""

_ROOM = 1 << 18
"""The bytes that a checkpoint needs in addition to twice its arrays. Orbax writes many small files."""


class Restored(NamedTuple):
    """A state that was read back.

    Attributes:
        state: the state.
        notes: the notes that were saved with it.
        surplus: a key of each row of its step that the run which goes on from it does not have.
    """

    state: TrainState
    notes: Mapping[str, Any]
    surplus: Sequence[str] = ()


class Checkpoints:
    """The `checkpoints/` of one run folder: `latest/<step>` and `best/<step>`, written by Orbax.

    A new checkpoint is complete before an older one is deleted. The best parameters are kept that the latest
    states refer to, by the note `best_step`, so that each state can be resumed from.
    """

    def __init__(self, run_folder: Path) -> None:
        """Open the checkpoints of a run; nothing is written yet."""
        self.folder = Path(run_folder).absolute() / "checkpoints"
        self._best_steps: dict[int, set[int | None]] = {}

    def clear(self) -> None:
        """Delete the checkpoints of an earlier run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def adopt(self, run_folder: Path) -> None:
        """Replace the checkpoints by a copy of another run's, which appears when it is complete."""
        copy = self.folder.with_name(f".{self.folder.name}.unfinished")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(Path(run_folder) / "checkpoints", copy)
        self.clear()
        copy.rename(self.folder)

    def discard_after(self, step: int) -> None:
        """Delete what was saved after a step, and what an interrupted save left behind."""
        for kind in ("latest", "best"):
            for path in self._entries(kind):
                if not path.name.isdigit() or int(path.name) > step:
                    _delete(path)

    def discard_best_after(self, step: int | None) -> None:
        """Delete the best parameters that were saved after a step; None for all."""
        for saved in self.steps("best"):
            if step is None or saved > step:
                _delete(self.folder / "best" / str(saved))

    def save_latest(self, state: TrainState, notes: Mapping[str, Any] | None = None) -> None:
        """Save the state to resume from.

        Args:
            state: the state.
            notes: what the host knows at this step, as JSON can hold it.
        """
        self._save("latest", int(state.step), state, notes or {})
        if not is_first():
            return
        for step in self.steps("latest")[NUM_LATEST:]:
            _delete(self.folder / "latest" / str(step))
        self._delete_unused()

    def save_best(self, step: int, params: Params) -> None:
        """Save the best parameters so far, reached after `step` updates."""
        self._save("best", step, params, {})
        if is_first():
            self._delete_unused()

    def latest_step(self) -> int | None:
        """Return the step of the latest state; None where there is none."""
        return next(iter(self.steps("latest")), None)

    def best_step(self) -> int | None:
        """Return the step of the best parameters; None where there are none."""
        return next(iter(self.steps("best")), None)

    def notes(self) -> Mapping[str, Any] | None:
        """Return the notes of the latest state whose notes can be read; None where there is none."""
        for step in self.steps("latest"):
            with contextlib.suppress(Exception):  # the one before is asked; `restore_latest` reports damage
                if damage_of(self.folder / "latest" / str(step)) is None:
                    return self._notes(step)
        return None

    def restore_latest(self, like: TrainState) -> Restored:
        """Return the latest state that can be read, and its notes.

        A warning names the states that are damaged.

        Args:
            like: a state of the same form, whose leaves may be abstract.

        Raises:
            ConfigError: there is none, none can be read, or it is the state of another network.
        """
        step, state = self._restore("latest", like)
        return Restored(state, self._notes(step))

    def latest_params(self) -> Params:
        """Return the parameters of the latest state.

        Raises:
            ConfigError: there is none, or none can be read.
        """
        return self._restore("latest", None)[1]["params"]

    def restore_best(self, like: Params | None = None, step: int | None = None) -> Params:
        """Return the best parameters.

        Args:
            like: parameters of the form that they must have, whose leaves may be abstract; None for any.
            step: the step at which they were saved; None for the latest.

        Raises:
            ConfigError: as `restore_latest`.
        """
        return self._restore("best", like, step)[1]

    def damage(self, kind: str, step: int) -> str | None:
        """Return in one line why a checkpoint cannot be read; None where it is whole."""
        if reason := damage_of(self.folder / kind / str(step)):
            return reason
        try:
            with manager_of(self.folder / kind) as manager:
                like = abstract(manager.item_metadata(step).tree)
                if not jax.tree.leaves(like):
                    return "it holds no arrays"
                manager.restore(step, args=ocp.args.StandardRestore(on_host(like)))
        except Exception as error:  # Orbax raises what each of its storage layers does
            return _in_short(error)
        return None

    def steps(self, kind: str) -> list[int]:
        """Return the steps of the checkpoints of a kind, "latest" or "best", the newest first."""
        return sorted((int(path.name) for path in self._entries(kind) if path.name.isdigit()), reverse=True)

    def _entries(self, kind: str) -> list[Path]:
        folder = self.folder / kind
        return list(folder.iterdir()) if folder.is_dir() else []

    def _save(self, kind: str, step: int, tree: Tree, notes: Mapping[str, Any]) -> None:
        if step in self.steps(kind) or not is_first():
            return
        tree, path = jax.device_get(tree), self.folder / kind / str(step)
        num_bytes = _ROOM + 2 * sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(tree))

        def save() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            require_room(path.parent, num_bytes)
            try:
                write_checkpoint(path, tree, {_NOTES: to_json(notes)})
            except Exception as error:  # Orbax raises what each of its storage layers does
                for unfinished in path.parent.glob(f"{step}.*"):
                    _delete(unfinished)
                raise disk_error(error, path) or error from error
            write_digests(path)
            if kind == "latest":
                self._best_steps[step] = best_steps(notes)

        when_there_is_room(save, path)

    def _delete_unused(self) -> None:
        """Delete the best parameters that no latest state refers to, but for the newest."""
        kept = {self.best_step()}
        for step in self.steps("latest"):
            try:
                kept |= self._best_steps.get(step) or best_steps(self._notes(step))
            except Exception:  # a damaged state: nothing that it may refer to is deleted
                return
        for step in self.steps("best"):
            if step not in kept:
                _delete(self.folder / "best" / str(step))

    def _notes(self, step: int) -> Mapping[str, Any]:
        with manager_of(self.folder / "latest") as manager:
            metadata = manager.metadata(step).custom_metadata or {}
        return from_json(str(metadata.get(_NOTES, "{}")))

    def _restore(self, kind: str, like: Tree | None, step: int | None = None) -> tuple[int, Tree]:
        """Return the newest checkpoint that can be read, with its step."""
        steps = self.steps(kind) if step is None else [step] * (step in self.steps(kind))
        if not steps:
            raise ConfigError(f"{self.folder.parent} holds no {kind} checkpoint: its run saved none")
        damaged: ConfigError | None = None
        for step in steps:
            try:
                tree = self._read(kind, step, like)
            except _DamagedError as error:
                damaged = damaged or error
                continue
            if damaged:
                _log.warning("%s: %s is used instead", damaged, self.folder / kind / str(step))
            return step, tree
        assert damaged is not None
        raise damaged

    def _read(self, kind: str, step: int, like: Tree | None) -> Tree:
        path = self.folder / kind / str(step)
        try:
            if reason := damage_of(path):
                raise ValueError(reason)
            with manager_of(self.folder / kind) as manager:
                saved = manager.item_metadata(step).tree
                saved_shapes, like = shapes(saved), abstract(saved) if like is None else like
                if saved_shapes and saved_shapes == shapes(like):
                    return manager.restore(step, args=ocp.args.StandardRestore(on_host(like)))
                reason = None if saved_shapes else "it holds no arrays"
        except Exception as error:  # Orbax raises what each of its storage layers does
            reason = _in_short(error)
        if reason:
            raise _DamagedError(
                f"{path}, the {kind} checkpoint of step {step}, cannot be "
                f"read: its files are damaged or missing ({reason})"
            )
        raise ConfigError(
            f"{path.parent} does not fit this network: cell, architecture, task, optimizer "
            "and, in a stream, training.batch_size must be those of the run that saved it"
        )


def _delete(path: Path) -> None:
    """Delete a checkpoint. It first loses its name, so that a kill leaves no part of it to read."""
    deleted = path.with_name(f".{path.name}.deleted")
    with contextlib.suppress(OSError):
        shutil.rmtree(deleted, ignore_errors=True)
        path.rename(deleted)
        shutil.rmtree(deleted, ignore_errors=True)


class _DamagedError(ConfigError):
    """A checkpoint that cannot be read."""


def _in_short(error: Exception) -> str:
    """Return an error as the beginning of its first line."""
    reason = str(error).partition("\n")[0][:200]
    return f"{type(error).__name__}: {reason}"
