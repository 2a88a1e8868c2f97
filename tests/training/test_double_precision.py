"""A run with `JAX_ENABLE_X64=1` computes everything in float64, statistics too."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab.runs import load
from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints, evaluation

pytestmark = pytest.mark.runs

OVERRIDES = tiny("adding", "many_to_one", "cell=lstm", "gradients=full", "training.steps=2")
SHARES = (
    "step",
    "timing/",
    "grads/clipped",
    "grads/norm_clipped",
    "grads/nonfinite",
    "gates/",
    "train/padding",
)
"""The beginnings of the keys of counts, shares and limits, which float32 may hold exactly."""


@pytest.fixture
def folder(tmp_path):
    """Train a run as a user does who sets the variable, which JAX reads when it is imported."""
    environment = {**os.environ, "JAX_ENABLE_X64": "1"}
    environment.pop("XLA_FLAGS", None)  # the compiler options are those of a user's run, too
    words = ["seqlab.train", *OVERRIDES, "training.eval_every=1", "hydra.run.dir=run"]
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return tmp_path / "run"


def numbers(rows):
    """Return the numbers of rows by key, as float64."""
    keys = {key for row in rows for key, value in row.items() if not isinstance(value, str)}
    return {key: np.hstack([np.ravel(row[key]) for row in rows if key in row]).astype(float) for key in keys}


def loss_and_point(program):
    """Return the loss of the first batch as a function of the initial parameters `(P,)`, and those."""
    state = program.init(jnp.uint32(0), program.task.data)
    batch = program.batch(state.seed, state.step, program.task.data)
    point, unravel = jax.flatten_util.ravel_pytree(state.params)

    def loss(point):
        return evaluation.evaluate_batch(program.task, program.network, unravel(point), batch)["loss"].value

    return jax.jit(jax.vmap(loss)), point


def differentiated(loss, point, h=1e-3):
    """Return the loss, and its gradient by differences of fourth order."""
    steps = h * jnp.eye(len(point))
    near, far = ((loss(point + k * steps) - loss(point - k * steps)) / (2 * k * h) for k in (1, 2))
    return float(loss(point[None])[0]), np.asarray(4 * near - far) / 3


def test_a_whole_run_is_in_float64(folder):
    summary, rows = read_summary(folder), read_rows(folder)
    assert summary["status"] == "finished"
    with jax.enable_x64(True):
        program, _ = load(folder)
        state = Checkpoints(folder).restore_latest(program.shapes).state
        floats = {leaf.dtype for leaf in jax.tree.leaves(state) if jnp.isdtype(leaf.dtype, "real floating")}
        assert floats == {np.dtype("float64")}
        value, gradient = differentiated(*loss_and_point(program))
    found = numbers([*rows, summary["test"]])
    single = {key for key, values in found.items() if (values == values.astype(np.float32)).all()}
    assert {key for key in single if not key.startswith(SHARES)} == set()
    assert found["train/loss"][0] == pytest.approx(value, rel=1e-10)
    assert found["grads/norm"][0] == pytest.approx(np.linalg.norm(gradient), rel=1e-10)
    assert np.isfinite(found["grads/through_time/log10_norm"]).all()
