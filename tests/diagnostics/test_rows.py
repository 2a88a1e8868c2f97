"""Diagnostics in the rows of whole runs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import build, compose_request
from seqlab.tracking import read_rows

pytestmark = pytest.mark.runs

TOP = "grads/through_time"


def first_row(folder, *overrides, level="norms"):
    run([*overrides, f"gradients={level}", "training.steps=1", f"hydra.run.dir={folder}"])
    return next(row for row in read_rows(folder) if "train/loss" in row)


def diagnosed(*overrides):
    """Return the statistics of the first row of a run, without the run."""
    program = build(compose_request([*overrides, "gradients=norms"])).program

    def statistics():
        state = program.init(jnp.uint32(0), program.task.data)
        batch = program.batch(state.seed, state.step, program.task.data)
        parts = [program.diagnose(state, batch, every) for every in program.cadences]
        return {key: value for part in parts for key, value in part.items()}

    return jax.device_get(jax.jit(statistics)())


@pytest.mark.parametrize("cell", ["elman", "lstm", "layer_norm_gru", "lru", "flax_gru"])
def test_every_kind_of_cell_has_diagnostics_of_every_step(cell):
    row = diagnosed(*tiny("adding", "many_to_one", f"cell={cell}"))
    assert len(row[f"{TOP}/log10_norm"]) == 6
    assert np.isfinite([*row[f"{TOP}/log10_norm"], row[f"{TOP}/slope"]]).all()
    gated = not cell.startswith("flax") and cell not in ("irnn", "lru")
    histograms = [row[key] for key in row if key.startswith("gates/") and key.endswith("/histogram")]
    assert [sum(counts) for counts in histograms] == [4 * 6 * 4] * len(histograms)
    assert bool(histograms) == gated


def test_a_network_without_a_recurrence_has_no_time(folder):
    row = first_row(folder, *tiny("adding", "one_to_one"))
    assert not any(key.startswith(TOP) for key in row)
    assert "grads/norm/readout" in row


def test_two_devices_report_what_one_does(tmp_path):
    settings = tiny("adding", "many_to_one", "architecture.bidirectional=true")
    one, two = (
        first_row(tmp_path / str(n), *settings, f"training.devices={n}", level="full") for n in (1, 2)
    )
    assert one.keys() == two.keys()
    assert {f"{TOP}/slope", "gates/backward/forget/mean", "recurrent/backward/lyapunov"} <= one.keys()
    for key in one:
        if key.startswith((TOP, "gates/", "recurrent/")):
            np.testing.assert_allclose(one[key], two[key], rtol=1e-4, atol=1e-5, err_msg=key)


def test_full_reports_the_jacobian_at_its_cadence(folder):
    settings = tiny("digits", "one_to_many", "cell=flax_gru", "gradients.level=full", "gradients.every=3")
    run([*settings, "training.steps=4", f"hydra.run.dir={folder}"])
    rows = [row for row in read_rows(folder) if "train/loss" in row]
    costly = {f"recurrent/{name}" for name in ("lyapunov", "spectral_radius", "singular_value/1")}
    assert [costly <= row.keys() for row in rows] == [True, False, True, False]
    assert not any(key.startswith("recurrent/") for key in rows[1])
    assert np.isfinite(rows[2]["recurrent/lyapunov"]).all()
