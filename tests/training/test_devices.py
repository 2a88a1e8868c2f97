"""Batches spread over devices; tests/runs/test_runs.py compares a run with that on one device."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import build, compose_request, load
from seqlab.tracking import read_rows
from seqlab.training import Plan
from seqlab.training.devices import FEWEST_ROWS, choose
from seqlab.types import ConfigError, IncompatibleError


@pytest.mark.runs
@pytest.mark.parametrize("feature_devices", [1, 2])
def test_a_run_of_two_devices_resumes_on_one(feature_devices, tmp_path):
    stream = tiny(
        "python_docs", "many_to_many", "task.stream=true", "cell=lstm", "training.checkpoint_every=2"
    )
    alone, both = ([*stream, f"hydra.run.dir={tmp_path / name}"] for name in ("alone", "both"))
    one = "training.steps=3", "training.devices=1"
    run([*alone, *one])
    run([*both, "training.steps=2", "training.devices=2", f"training.feature_devices={feature_devices}"])
    summary = run([*both, *one, "resume=auto"])
    assert (summary["status"], summary["steps"]) == ("finished", 3)
    assert summary["resumed"]
    left, right = (load(tmp_path / name)[1] for name in ("alone", "both"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), left, right)
    for first, second in zip(*(read_rows(tmp_path / name) for name in ("alone", "both")), strict=True):
        for key in ("train/loss", "grads/norm", "eval/loss"):
            np.testing.assert_allclose(first.get(key, 0), second.get(key, 0), rtol=1e-5, err_msg=key)


def test_devices_that_share_parameters_have_equal_parts_of_them():
    plan = Plan(devices=2, feature_devices=2)
    shapes = plan.stacked(build(compose_request(tiny("adding", "many_to_one", "cell=lstm"))).program.shapes)
    placed = plan.abstract(shapes, plan.state)
    for leaf in jax.tree.leaves((placed.params, placed.optimizer_state)):
        parts = math.prod(leaf.shape) // math.prod(leaf.sharding.shard_shape(leaf.shape))
        assert parts == (2 if any(size % 2 == 0 for size in leaf.shape) else 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["training.feature_devices=4"],
            "training.feature_devices must be at most 2, the devices of a process",
        ),
        (
            ["training.feature_devices=2", "training.devices=1"],
            "training.feature_devices must divide devices=1",
        ),
        (["training.feature_devices=0"], "training.feature_devices must be a positive integer"),
        (
            ["training.feature_devices=2", "recurrence.backend=cudnn", "cell=lstm"],
            "training.feature_devices=2 does not fit recurrence.backend=cudnn: legal value is 1",
        ),
    ],
    ids=str,
)
def test_what_cannot_share_parameters_is_refused(words, message):
    with pytest.raises((ConfigError, IncompatibleError)) as caught:
        build(compose_request(tiny("adding", "many_to_one", *words)))
    assert message in str(caught.value)


@pytest.mark.runs
def test_more_devices_than_there_are_is_refused(folder):
    with pytest.raises(ConfigError, match=r"training\.devices must be at most 2"):
        run([*tiny("adding", "many_to_one", "training.devices=4"), f"hydra.run.dir={folder}"])


@pytest.mark.runs
def test_devices_must_divide_the_batch(folder):
    overrides = tiny("adding", "many_to_one", "training.devices=2", "training.batch_size=3")
    with pytest.raises(ConfigError, match=r"training\.devices must divide batch_size=3"):
        run([*overrides, f"hydra.run.dir={folder}"])


def test_the_choice_divides_the_batch_and_leaves_enough_rows():
    assert choose(2 * FEWEST_ROWS) == 2
    assert choose(2 * FEWEST_ROWS - 2) == 1
    assert choose(2 * FEWEST_ROWS + 1) == 1
