"""A run with `JAX_ENABLE_X64=1` trains in float64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab.runs import load
from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints

pytestmark = pytest.mark.runs

OVERRIDES = tiny("adding", "many_to_one", "cell=lstm", "gradients.level=norms", "training.steps=4")


def test_a_whole_run_is_in_float64(command, tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    monkeypatch.delenv("XLA_FLAGS", raising=False)  # the compiler options are those of a user's run, too
    done = command("train", *OVERRIDES, "training.eval_every=2", "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert read_summary(tmp_path / "run")["status"] == "finished"
    with jax.enable_x64(True):
        program, _ = load(tmp_path / "run")
        state = Checkpoints(tmp_path / "run").restore_latest(program.shapes).state
    leaves = jax.tree.leaves((state.params, state.optimizer_state))
    assert {leaf.dtype for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)} == {
        np.dtype("float64")
    }
    rows = [row for row in read_rows(tmp_path / "run") if "train/loss" in row]
    assert len(rows) == 4
    for row in rows:
        assert row["train/loss"] != float(np.float32(row["train/loss"]))
        assert np.isfinite(row["grads/through_time/log10_norm"]).all()
