"""Study of vanishing gradients: theory agrees with the engine."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import OmegaConf
from tiny_runs import TINY

from seqlab import run
from seqlab.analysis.studies.markers import write_between_markers
from seqlab.analysis.studies.vanishing_gradients import jacobian, slope
from seqlab.cells import GRU, LSTM
from seqlab.diagnostics.through_time import through_time
from seqlab.recurrence import Stack
from seqlab.runs import compose_config

H, T = 64, 30


@pytest.mark.parametrize("expected", [0.5, 0.9, 1.0, 1.1])
def test_without_the_other_part_the_slope_is_a_power(expected):
    assert slope(0.0, expected, 100) == pytest.approx(np.log10(expected), abs=1e-9)
    assert slope(expected, 0.0, 100) == pytest.approx(np.log10(expected), abs=1e-9)


@pytest.mark.parametrize("cell", [LSTM(H), GRU(H)], ids=lambda c: type(c).__name__)
def test_a_cell_at_rest_has_the_slope_of_theory(cell):
    """Nothing is read, so the state stays zero; H is large enough for the eigenvalues to fill the circle."""
    stack = Stack(cell)
    params = jax.jit(lambda key: stack.init(key, 1))(jax.random.key(0))
    weights = jax.random.normal(jax.random.key(1), (1, H))

    def loss(probes):
        final, _ = stack.apply(params, jnp.zeros((1, T, 1)), probes=probes)
        return jnp.vdot(weights, jax.tree.leaves(final)[0])

    metrics = jax.jit(lambda probes: through_time(jax.grad(loss)(probes)))(stack.zero_probes(params, 1, T))
    state = "cell/" if isinstance(cell, LSTM) else ""
    settings = {"recurrent_scale": cell.recurrent_scale, "forget_bias_init": 1.0}
    expected = slope(*jacobian(type(cell).__name__, settings), T)
    np.testing.assert_allclose(metrics[f"grads/through_time/{state}slope"], expected, atol=5e-3)


def test_only_the_marked_part_is_written(tmp_path):
    path = tmp_path / "README.md"
    write_between_markers(path, "study", "one")
    path.write_text(f"# Title\n\n{path.read_text()}\nVerdict\n")
    before = path.read_text()
    write_between_markers(path, "study", "two")
    assert path.read_text() == before.replace("one", "two")


@pytest.mark.runs
def test_the_experiment_is_a_sweep_that_ends_in_a_study(tmp_path):
    hydra = compose_config(["+experiment=vanishing_gradients"]).hydra
    assert hydra.mode == RunMode.MULTIRUN
    quiet = [word for word in TINY if word != "gradients=off"]  # the experiment's own level stays
    short = ["task.length=6", "task.num_evaluation_examples=16", "optimizer.learning_rate=0.001"]
    for number, variant in enumerate(("elman_1.1", "lstm")):
        choice = [f"+experiment/vanishing_gradients={variant}", "+experiment=vanishing_gradients"]
        run([*choice, *quiet, *short, "training.steps=2", f"hydra.run.dir={tmp_path / str(number)}"])
    study = instantiate(hydra.callbacks.study, folder=str(tmp_path / "study"))
    study.on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))
    assert (tmp_path / "study" / "figure.png").read_bytes().startswith(b"\x89PNG")
    lines = [line for line in (tmp_path / "study" / "README.md").read_text().splitlines() if "|" in line]
    elman, lstm = ([word.strip() for word in line.split("|")[1:-1]] for line in lines[2:])
    assert (elman[0], lstm[0]) == ("Elman ρ = 1.1", "LSTM")
    assert elman[2:4] == ["+0.0414", "+0.0414"]
