"""Diagnostics are objects with a cadence, ours and anybody's."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab.diagnostics import GradientDiagnostics, is_due
from seqlab.runs import build, compose_request
from seqlab.tracking import Trackers
from seqlab.training import Family, Monitor, Plan, train


@dataclasses.dataclass(frozen=True)
class LargestGradient:
    """The largest element of the gradient, and how many examples it was seen on."""

    every: int | None = None

    def diagnose(self, observation):
        largest = [jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(observation.update.grads)]
        rows = jnp.asarray(len(observation.batch.mask))
        rows = rows if observation.axis is None else jax.lax.psum(rows, observation.axis)
        return {"largest": jnp.max(jnp.stack(largest)), "rows": rows}


class Log:
    """A tracker that keeps the rows of training."""

    def __init__(self):
        self.rows = []

    def start(self, info):
        pass

    def log(self, row):
        if "train/loss" in row:
            self.rows.append(row)

    def finish(self, summary):
        pass


def rows_of(folder, *diagnostics, devices=1):
    overrides = tiny("adding", "many_to_one", "training.steps=6", "training.log_every=2")
    run = build(compose_request([*overrides, f"hydra.run.dir={folder}"]))
    program = dataclasses.replace(run.program, diagnostics=diagnostics)
    log = Log()
    monitor = Monitor(program, run.info, Trackers([log]))
    ((_, summary),) = train(Family.of(program), [monitor], Plan(devices=devices))
    assert summary["status"] == "finished"
    return log.rows


@pytest.mark.runs
@pytest.mark.parametrize("devices", [1, 2])
def test_anybodys_diagnostic_stands_in_the_rows_of_its_cadence(devices, tmp_path):
    each, sometimes = LargestGradient(), LargestGradient(every=6)
    rows = rows_of(tmp_path / "each", *GradientDiagnostics("norms", 1).diagnostics, each, devices=devices)
    assert [row["step"] for row in rows] == [2, 4, 6]
    for row in rows:
        assert 0 < row["largest"] <= row["grads/norm"] * (1 + 1e-6)
        assert row["rows"] == 4
        assert row["updates/norm"] > 0
    rows = rows_of(tmp_path / "sometimes", sometimes, devices=devices)
    assert ["largest" in row for row in rows] == [True, False, True]


@pytest.mark.runs
def test_diagnostics_change_nothing_of_what_is_trained(tmp_path):
    levels = [
        rows_of(tmp_path / level, *GradientDiagnostics(level, 2).diagnostics) for level in ("off", "full")
    ]
    for off, full in zip(*levels, strict=True):
        for key in off:
            if not key.startswith("timing/"):
                np.testing.assert_array_equal(off[key], full[key], err_msg=key)


def test_the_costly_rows_are_the_first_at_or_after_every_multiple():
    due = [step for step in range(10, 101, 10) if is_due(25, step, log_every=10)]
    assert due == [10, 30, 50, 80, 100]
