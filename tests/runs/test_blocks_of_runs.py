"""Runs with blocks and a chosen width: trained further, resumed, loaded and used."""

from __future__ import annotations

import json
import shutil

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import load_run, run
from seqlab.tracking import read_summary
from seqlab.types import ConfigError

pytestmark = pytest.mark.runs
DEEP = [
    *[word for word in tiny("adding", "many_to_one", "cell=gru") if not word.startswith("cell.features")],
    *("architecture.block=pre_norm_mlp", "architecture.num_layers=2", "architecture.stochastic_depth=0.5"),
    *("architecture.num_params=700", "gradients=off", "training.eval_every=2"),
]


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """A run of two steps with blocks, stochastic depth and a chosen width."""
    folder = tmp_path_factory.mktemp("deep") / "run"
    run([*DEEP, "training.steps=2", f"hydra.run.dir={folder}"])
    return folder


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def width(folder):
    return load_run(folder).network.cell.features


def test_a_resumed_run_is_bit_for_bit_the_whole_one(deep, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    shutil.copytree(deep, cut)
    for place, further in ((whole, ()), (cut, ("resume=auto",))):
        run([*DEEP, "training.steps=4", f"hydra.run.dir={place}", *further])
    same(load_run(whole).params, load_run(cut).params)
    assert read_summary(whole)["final"] == read_summary(cut)["final"]


def test_it_is_loaded_and_used_at_the_chosen_width(deep, inside):
    found = load_run(deep)
    assert found.summary["num_params"] == sum(leaf.size for leaf in jax.tree.leaves(found.params))
    assert abs(found.summary["num_params"] - 700) < 100
    assert found.config["cell"]["features"] == width(deep)
    assert len(found.predict(np.zeros((3, 6, 2), np.float32)).outputs) == 3
    done = inside("evaluate", str(deep), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test/loss"] == pytest.approx(found.summary["test"]["test/loss"])


def test_a_run_begins_from_it_at_the_width_that_it_has(deep, tmp_path):
    """The width may be given instead of the number of parameters that chose it."""
    fixed = [word for word in DEEP if "num_params" not in word] + [f"cell.features={width(deep)}"]
    begun = [*fixed, "task.length=9", "training.steps=0", f"init_from={deep}"]
    run([*begun, f"hydra.run.dir={tmp_path}"])
    same(load_run(deep).params, load_run(tmp_path).params)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("architecture.num_layers=3", r"cell.features \d+ -> \d+, architecture.num_layers 2 -> 3"),
        ("architecture.block=pre_norm", "architecture.block 'pre_norm_mlp' -> 'pre_norm'"),
    ],
)
def test_another_function_is_refused(deep, folder, changed, message):
    with pytest.raises(ConfigError, match=f"init_from={deep} does not fit: .*{message}") as found:
        run([*DEEP, changed, f"init_from={deep}", f"hydra.run.dir={folder}"])
    assert "\n" not in str(found.value)
    assert not (folder / "checkpoints").exists()
