"""Killed runs without a kill: copies of a run folder, taken at the moments at which a state was saved."""

from __future__ import annotations

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import load
from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints

ADDING = tiny("adding", "many_to_one", "training.devices=1", "cell=elman")


def whole_and_killed(folder: Path, overrides: list[str]) -> tuple[Path, dict[int, Path]]:
    """Train a run to its end; return its folder, and a copy of it after each save of a latest state.

    A copy is what `kill -9` would leave then: it has no summary, and its rows may be ahead of the state.
    """
    whole, copies = folder / "whole", {}
    save = Checkpoints.save_latest

    def save_and_copy(self, state, notes=None):
        save(self, state, notes)
        if (step := int(state.step)) not in copies:
            unlocked = shutil.ignore_patterns(".lock")  # this process is alive
            copies[step] = shutil.copytree(whole, folder / f"killed_{step}", ignore=unlocked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save_latest", save_and_copy)
        run([*overrides, f"hydra.run.dir={whole}"])
    return whole, copies


def rows_of(folder: Path) -> list[dict]:
    """Return the rows in their order, without what the clock says."""
    return [
        {key: value for key, value in row.items() if not key.startswith("timing/")}
        for row in read_rows(folder)
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same_end(one: Path, other: Path) -> None:
    """Assert that two runs ended alike: rows in order, summary, best parameters, latest state."""
    assert rows_of(one) == rows_of(other)
    first, second = read_summary(one), read_summary(other)
    for key in ("status", "reason", "steps", "best", "final", "test"):
        assert first.get(key) == second.get(key), key
    (program, params), (_, others) = load(one), load(other)
    jax.tree.map(np.testing.assert_array_equal, params, others)
    states = (Checkpoints(each).restore_latest(program.shapes).state for each in (one, other))
    jax.tree.map(np.testing.assert_array_equal, *states)
