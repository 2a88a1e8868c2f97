"""Runs with a learning rate of 0, which look at gradients without learning."""

from __future__ import annotations

import pytest
from tiny_runs import tiny

from seqlab import load_run, run

pytestmark = pytest.mark.runs


def test_gradients_are_those_of_the_initial_parameters(tmp_path):
    steps = ("training.steps=2", "training.eval_every=1", f"hydra.run.dir={tmp_path}")
    summary = run(tiny("adding", "many_to_one", "optimizer.learning_rate=0", "gradients=norms", *steps))
    assert summary["status"] == "finished"
    metrics = load_run(tmp_path).metrics
    assert metrics["eval/loss"].dropna().nunique() == 1
    assert (metrics["grads/norm"].dropna() > 0).all()
    assert (metrics["updates/norm"].dropna() == 0).all()
