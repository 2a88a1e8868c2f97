"""Whole runs at and past the ends of the float32 range."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import build, compose_request
from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints

pytestmark = pytest.mark.runs

LOG10_NORM = "grads/through_time/log10_norm"


def linear(rho, length):
    """Return the overrides of an Elman run that is linear in its state, on bits, whose loss is bounded."""
    one_length = [f"task.length={length}", f"task.min_length={length}"]
    cell = ["cell=elman", "cell.activation=identity", f"cell.recurrent_scale={rho}"]
    return [*tiny("parity_check", "many_to_one", *cell, "training.steps=1", "gradients=norms"), *one_length]


@pytest.mark.parametrize("rho", [0.5, 2.0])
def test_a_hundred_and_ten_steps_are_exact(rho, folder):
    assert run([*linear(rho, 110), f"hydra.run.dir={folder}"])["status"] == "finished"
    row = next(row for row in read_rows(folder) if LOG10_NORM in row)
    log10_norm = np.array(row[LOG10_NORM])
    np.testing.assert_allclose(log10_norm - log10_norm[-1], np.log10(rho) * np.arange(109, -1, -1), atol=0.01)
    norms = {key: value for key, value in row.items() if key.startswith(("grads/norm", "updates/norm"))}
    assert np.isfinite([*norms.values(), row["train/loss"]]).all()
    assert all(value > 0 for value in norms.values())


def test_two_hundred_explosions_are_refused_and_named(command, tmp_path):
    overrides = [*linear(2.0, 200), "hydra.run.dir=run"]
    assert command("train", *overrides).returncode != 0
    summary = read_summary(tmp_path / "run")
    assert (summary["status"], summary["steps"]) == ("diverged", 0)
    assert summary["reason"].startswith("the gradient of ")
    assert summary["reason"].endswith(" is not finite at step 1")
    (row,) = (row for row in read_rows(tmp_path / "run") if LOG10_NORM in row)
    assert row["grads/nonfinite"] > 0
    program = build(compose_request(overrides)).program
    like = jax.eval_shape(program.init, np.uint32(0), program.task.data)
    kept = Checkpoints(tmp_path / "run").restore_latest(like).state
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept.params))
