"""A learning rate that follows the evaluations, by optax's rule."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import build, compose_request
from seqlab.tracking import read_rows
from seqlab.training import Checkpoints, Plateau, Training
from seqlab.training.transformations import with_transformations
from seqlab.types import ConfigError, Goal

PARAMS = {"kernel": jnp.ones((2, 2))}
LOSSES = [1.0, 0.9, 0.95, 0.9, 0.8, 0.8, 0.8, 0.8, float("nan")]


def factors(plateau, values):
    """Return the factor on the updates after each evaluation."""
    optimizer = with_transformations(optax.sgd(1.0), Training(), plateau)
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
        (
            ["training.steps=9", "training.eval_every=10"],
            "training.eval_every must be at most training.steps=9 with a learning rate that follows",
        ),
    ],
)
def test_a_refusal_is_one_line_that_names_the_key(words, message):
    with pytest.raises(ConfigError) as caught:
        build(compose_request(tiny("adding", "many_to_one", "schedule=plateau", *words)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.runs
def test_evaluations_that_are_due_reduce_the_rate_and_their_rows_say_so(tmp_path):
    words = tiny("adding", "many_to_one", "cell=elman", "training.devices=1", "gradients=off")
    words += ["schedule=plateau", "schedule.patience=1", "schedule.threshold=1e3", "training.steps=9"]
    words += ["training.eval_every=2"]
    run([*words, f"hydra.run.dir={tmp_path}"])
    factors = [row["schedule/factor"] for row in read_rows(tmp_path) if "eval/loss" in row]
    assert factors == [1, 1, 0.5, 0.25, 0.125]  # after the first, no evaluation is better
    program = build(compose_request(words)).program
    state = Checkpoints(tmp_path).restore_latest(program.shapes).state
    assert program.plateau is not None
    assert float(program.plateau.factor_of(state.optimizer_state)) == 0.125  # the last step's own is not due
