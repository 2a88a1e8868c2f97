"""Checkpoints of a run: the latest state, to resume from, and the best parameters, to evaluate."""

from __future__ import annotations

import shutil
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp

from seqlab.training.state import TrainState
from seqlab.types import ConfigError, Params, Tree


class Checkpoints:
    """The `checkpoints/` of one run folder: `latest/<step>` and `best/<step>`, written by Orbax.

    A new checkpoint is complete before the one it replaces is deleted.
    """

    def __init__(self, run_folder: Path) -> None:
        """Open the checkpoints of a run; nothing is written yet."""
        self.folder = Path(run_folder).absolute() / "checkpoints"

    def clear(self) -> None:
        """Delete the checkpoints of an earlier run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def adopt(self, run_folder: Path) -> None:
        """Replace the checkpoints by a copy of another run's."""
        self.clear()
        shutil.copytree(Path(run_folder) / "checkpoints", self.folder)

    def save_latest(self, state: TrainState) -> None:
        """Save the state to resume from."""
        self._save("latest", int(state.step), state)

    def save_best(self, step: int, params: Params) -> None:
        """Save the best parameters so far, reached after `step` updates."""
        self._save("best", step, params)

    def latest_step(self) -> int | None:
        """Return the step of the latest state; None where there is none."""
        return self._last("latest")

    def best_step(self) -> int | None:
        """Return the step of the best parameters; None where there are none."""
        return self._last("best")

    def restore_latest(self, like: TrainState) -> TrainState:
        """Return the latest state, in the form of `like`, whose leaves may be abstract.

        Raises:
            ConfigError: there is none, it cannot be read, or it is the state of another network.
        """
        return self._restore("latest", like)

    def restore_best(self, like: Params | None = None) -> Params:
        """Return the best parameters.

        Args:
            like: parameters of the form that they must have, whose leaves may be abstract; None for any.

        Raises:
            ConfigError: as `restore_latest`.
        """
        return self._restore("best", like)

    def _manager(self, kind: str) -> ocp.CheckpointManager:
        options = ocp.CheckpointManagerOptions(max_to_keep=1, enable_async_checkpointing=False)
        handler = ocp.StandardCheckpointHandler()
        return ocp.CheckpointManager(self.folder / kind, options=options, item_handlers=handler)

    def _last(self, kind: str) -> int | None:
        if not (self.folder / kind).is_dir():
            return None
        with self._manager(kind) as manager:
            return manager.latest_step()

    def _save(self, kind: str, step: int, tree: Tree) -> None:
        with self._manager(kind) as manager:
            if manager.latest_step() != step:
                manager.save(step, args=ocp.args.StandardSave(jax.device_get(tree)))

    def _restore(self, kind: str, like: Tree | None) -> Tree:
        step = self._last(kind)
        if step is None:
            raise ConfigError(f"{self.folder.parent} holds no {kind} checkpoint: its run saved none")
        with self._manager(kind) as manager:
            try:
                saved = manager.item_metadata(step).tree
                like = saved if like is None else like
                fits = _shapes(saved) == _shapes(like)
                if fits:
                    return manager.restore(step, args=ocp.args.StandardRestore(_on_host(like)))
            except Exception as error:  # Orbax raises what each of its storage layers does
                reason = str(error).partition("\n")[0][:200]
                raise ConfigError(
                    f"{self.folder / kind / str(step)}, the {kind} checkpoint of step {step}, cannot be "
                    f"read: its files are damaged or missing ({type(error).__name__}: {reason})"
                ) from error
        raise ConfigError(
            f"{self.folder / kind} does not fit this network: cell, architecture, task, optimizer "
            "and, in a stream, training.batch_size must be those of the run that saved it"
        )


def _on_host(like: Tree) -> Tree:
    """Return a tree of host arrays of the same shapes, so that no device is written into a checkpoint."""
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like)


def _shapes(tree: Tree) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a tree by its path. Orbax itself does not compare shapes."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape) for path, leaf in leaves
    }
