"""Batches spread over devices: a run is the same as on one device."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from tiny_runs import ONE_EACH, tiny

from seqlab import run
from seqlab.runs import load
from seqlab.tracking import read_rows
from seqlab.training.devices import FEWEST_ROWS, choose
from seqlab.types import ConfigError


@pytest.mark.runs
@pytest.mark.parametrize(("task", "architecture"), ONE_EACH)
def test_two_devices_train_as_one(task, architecture, tmp_path):
    for count in (1, 2):
        overrides = tiny(task, architecture, "training.steps=3", f"training.devices={count}")
        assert run([*overrides, f"hydra.run.dir={tmp_path / str(count)}"])["num_devices"] == count
    one, two = (load(tmp_path / str(count))[1] for count in (1, 2))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), one, two)
    for first, second in zip(*(read_rows(tmp_path / str(count)) for count in (1, 2)), strict=True):
        assert first.keys() == second.keys()
        for key in first:
            if not key.startswith("timing/"):
                np.testing.assert_allclose(first[key], second[key], rtol=1e-3, atol=1e-6, err_msg=key)


@pytest.mark.runs
def test_a_run_of_two_devices_resumes_on_one(tmp_path):
    settings = [*tiny("adding", "many_to_one"), f"hydra.run.dir={tmp_path}"]
    run([*settings, "training.steps=2", "training.devices=2"])
    summary = run([*settings, "training.steps=4", "training.devices=1", "resume=auto"])
    assert (summary["status"], summary["steps"]) == ("finished", 4)


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
