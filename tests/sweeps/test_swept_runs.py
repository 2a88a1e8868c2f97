"""Runs in a sweep's folder, read back."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import write_run

from seqlab.analysis.sweep_runs import read_sweep, swept_keys
from seqlab.tracking import find_runs


def test_runs_are_found_however_deep_and_counted_up(tmp_path):
    for name in ("10", "9", "lr=0.1/2", "lr=0.1/11"):
        write_run(tmp_path / name)
    (tmp_path / "9" / "wandb" / "summary.json").mkdir(parents=True)  # a folder, and within a run
    (tmp_path / "multirun.yaml").touch()
    found = [str(run.relative_to(tmp_path)) for run in find_runs(tmp_path)]
    assert found == ["9", "10", "lr=0.1/2", "lr=0.1/11"]


@pytest.mark.parametrize(
    ("scores", "further", "expected"),
    [
        ([0.1, 0.01, 0.02, 0.005], {}, 20),
        ([0.1, 0.02], {}, None),
        ([], {"status": "interrupted"}, None),
        ([float("nan"), 0.001], {}, 20),
        ([0.1, 0.6, 0.9], {"higher_is_better": True, "solved_at": 0.6}, 20),
        ([0.1, 0.2], {"higher_is_better": True, "solved_at": 0.6}, None),
    ],
)
def test_steps_to_solved_are_those_of_the_first_evaluation_that_reaches_it(
    tmp_path, scores, further, expected
):
    write_run(tmp_path / "0", scores=scores, **further)
    (told,) = read_sweep(tmp_path)
    assert told.steps_to_solved == expected


def test_a_row_tells_what_the_run_told(tmp_path):
    overrides = ["cell=lstm", "seed=3", "optimizer.learning_rate=1e-3"]
    slopes = [-0.5, float("-inf"), -0.1]
    write_run(tmp_path / "0", overrides, [0.5, 0.25], slopes, best={"eval/mse": 0.2}, compile_seconds=1.5)
    (told,) = read_sweep(tmp_path)
    row = told.row(["optimizer.learning_rate"])
    assert row["folder"] == str(tmp_path / "0")
    assert (row["cell"], row["seed"], row["optimizer.learning_rate"]) == ("lstm", 3, 0.001)
    assert (row["final"], row["best"], row["test"], row["metric"]) == (0.25, 0.2, 0.25, "mse")
    assert (row["steps"], row["solved"], row["higher_is_better"]) == (20, False, False)
    assert (row["seconds"], row["compile_seconds"], row["num_params"]) == (2.0, 1.5, 7)
    assert (row["slope_first"], row["slope_last"]) == (-0.5, -0.1)
    assert row["slope_mean"] == np.mean([-0.5, -0.1])  # of those that are finite


def test_what_differs_was_swept(tmp_path):
    write_run(tmp_path / "0", ["cell=gru", "a.b=1", "c=2", "seed=0"])
    write_run(tmp_path / "1", ["cell=lstm", "a.b=1", "c=null", "seed=1", "+d/e=f", "resume=auto"])
    told = read_sweep(tmp_path)
    assert swept_keys(told) == ["c", "d/e"]
    assert [run.overrides.get("c") for run in told] == [2, None]


def test_a_killed_run_has_a_row_of_what_is_known(tmp_path):
    write_run(tmp_path / "0", ["cell=elman", "seed=4"], [0.5, 0.4], status=None)
    (told,) = read_sweep(tmp_path)
    row = told.row([])
    assert (row["status"], row["cell"], row["seed"], row["steps"]) == ("unfinished", "elman", 4, 20)
    assert row["test"] is None
    assert "killed" in row["reason"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("summary.json", "{"),
        ("summary.json", "[]"),
        ("metrics.jsonl", "{\n{}\n"),
        (".hydra/overrides.yaml", "- 'a=[1'"),
    ],
)
def test_a_broken_folder_is_listed_as_damaged_with_one_warning(tmp_path, caplog, name, text):
    write_run(tmp_path / "0", scores=[0.5])
    write_run(tmp_path / "1", scores=[0.5])
    (tmp_path / "0" / name).write_text(text)
    assert [(run.folder.name, run.status) for run in read_sweep(tmp_path)] == [
        ("0", "damaged"),
        ("1", "finished"),
    ]
    (record,) = caplog.records
    assert str(tmp_path / "0") in record.getMessage()
    assert "\n" not in record.getMessage()


def test_evaluations_are_compared_with_the_threshold_of_their_split(tmp_path):
    validation = {"chance": 0.2, "solved_at": 0.002}
    write_run(tmp_path / "0", scores=[0.005, 0.001], validation=validation)
    (told,) = read_sweep(tmp_path)
    assert told.steps_to_solved == 20
