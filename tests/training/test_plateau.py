"""A learning rate that follows the evaluations, by optax's rule."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from kills import assert_same_end, whole_and_killed
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import build, compose_request
from seqlab.training import Checkpoints, Plateau, Training
from seqlab.training.regimes import with_regimes
from seqlab.types import ConfigError, Goal

PARAMS = {"kernel": jnp.ones((2, 2))}
LOSSES = [1.0, 0.9, 0.95, 0.9, 0.8, 0.8, 0.8, 0.8, float("nan")]


def factors(plateau, values):
    """Return the factor on the updates after each evaluation."""
    optimizer = with_regimes(optax.sgd(1.0), Training(), plateau)
    state, found = optimizer.init(PARAMS), []
    for value in values:
        state = plateau.after(state, jnp.float32(value))
        updates, state = optimizer.update(PARAMS, state, PARAMS)
        found.append(-float(updates["kernel"][0, 0]))
    return found


@pytest.mark.parametrize("monitor", ["loss", "metric"])
def test_the_rate_falls_after_so_many_evaluations_without_a_better_one(monitor):
    plateau = Plateau(factor=0.5, patience=2, min_factor=0.3, monitor=monitor)
    accuracy = Goal("accuracy", higher_is_better=True)
    rows = [{"eval/loss": loss, "eval/accuracy": 1 - loss} for loss in LOSSES]
    values = [plateau.value_of(row, accuracy) for row in rows]
    np.testing.assert_allclose(factors(plateau, values), [1, 1, 1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3], rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["schedule.factor=2"], "schedule.factor must be a finite number, at least 1e-06 and below 1"),
        (["schedule.monitor=accuracy"], "schedule.monitor must be one of loss, metric, got 'accuracy'"),
        (["schedule.patience=0"], "schedule.patience must be a positive integer"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_key(words, message):
    with pytest.raises(ConfigError) as caught:
        build(compose_request(tiny("adding", "many_to_one", "schedule=plateau", *words)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.runs
def test_a_killed_run_on_a_plateau_ends_as_the_whole_one(tmp_path):
    words = tiny(
        "adding", "many_to_one", "cell=elman", "training.devices=1", "gradients=off", "optimizer=sam"
    )
    words += ["schedule=plateau", "schedule.patience=1", "schedule.threshold=1e3", "training.steps=9"]
    words += ["training.eval_every=2", "training.checkpoint_every=5"]
    whole, killed = whole_and_killed(tmp_path, words)
    run([*words, f"hydra.run.dir={killed[5]}", "resume=auto"])
    assert_same_end(whole, killed[5])
    program = build(compose_request(words)).program
    state = Checkpoints(whole).restore_latest(program.shapes).state
    scale = optax.tree.get(state.optimizer_state, "scale")
    assert float(scale) == 0.5**3  # four evaluations were due, and the last step's own does not count
