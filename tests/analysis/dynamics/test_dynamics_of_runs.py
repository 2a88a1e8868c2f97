"""The dynamics of a run: the command, its files and its refusals, and the same from Python."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tiny_runs import TINY

import seqlab

pytestmark = pytest.mark.runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A short run of the flip-flop."""
    folder = tmp_path_factory.mktemp("runs") / "flip_flop"
    few = ["task=flip_flop", "task.length=6", "task.num_evaluation_examples=16", "cell=elman"]
    seqlab.run([*few, *TINY, "training.steps=1", f"hydra.run.dir={folder}"])
    return folder


def test_the_command_writes_table_numbers_and_figure(inside, folder):
    done = inside("dynamics", str(folder), "--starts", "8", "--constant-input", "0,1,0")
    assert done.returncode == 0, done.stderr
    assert "Lyapunov" in done.stdout
    table, numbers = pd.read_csv(folder / "dynamics.csv"), json.loads((folder / "dynamics.json").read_text())
    assert numbers["input"] == [0, 1, 0]
    assert len(numbers["lyapunov"]) == 4
    assert len(numbers["states"]) == len(table) > 0
    assert {"stability", "distance", "output_2"} <= set(table.columns)
    assert (folder / "dynamics.png").read_bytes().startswith(b"\x89PNG")
    assert b"Lyapunov spectrum" in (folder / "dynamics.svg").read_bytes()


def test_from_python_it_is_the_same(folder):
    run = seqlab.load_run(folder)
    one, other = (seqlab.analyse_dynamics(run, given, starts=8) for given in ([0, 1, 0], "0,1,0"))
    np.testing.assert_array_equal(one.points.states, other.points.states)
    assert one.frame()["distance"].ge(0).all()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--constant-input", "0,1"], "--constant-input=0,1: legal are the 3 numbers that a step reads"),
        (["--constant-input", "up"], "--constant-input=up: legal are the 3 numbers"),
        (["--starts", "0"], "--starts must be a positive integer"),
        (["--output", "a.xyz"], "--output=a.xyz: legal endings are"),
    ],
)
def test_a_wrong_argument_is_one_line_and_writes_nothing(inside, folder, words, told):
    before = sorted(folder.iterdir())
    done = inside("dynamics", str(folder), *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {told}")
    assert sorted(folder.iterdir()) == before
