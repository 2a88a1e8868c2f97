"""Statistics of a group: means over its finished runs, counts over all that were planned."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import write_run

from seqlab.analysis.groups import group_runs
from seqlab.analysis.intervals import interval
from seqlab.analysis.sweep_runs import read_sweep, swept_keys

SCORES = [0.3, 0.008, 0.1, 0.009]


def groups_in(folder):
    found = read_sweep(folder)
    return group_runs(found, swept_keys(found))


def test_aggregates_are_exact(tmp_path):
    for seed, score in enumerate(SCORES):
        write_run(tmp_path / str(seed), [f"seed={seed}"], [0.5] * seed + [score], seconds=float(seed))
    write_run(tmp_path / "4", ["seed=4"], [9.0], status="diverged")
    write_run(tmp_path / "5", ["seed=5"], status=None)
    (group,) = groups_in(tmp_path)
    found = group.aggregate()
    assert found == {
        "cell": "gru",
        "architecture": "many_to_one",
        "task": "adding",
        "metric": "mse",
        "chance": 1 / 6,
        "solved_at": 0.01,
        "n": 4,
        "planned": 6,
        "statuses": {"finished": 4, "diverged": 1, "unfinished": 1},
        "mean": pytest.approx(np.mean(SCORES), rel=1e-12),
        "interval_95": [0.0, pytest.approx(interval(np.array(SCORES))[1], rel=1e-12)],
        "median": pytest.approx(np.median(SCORES), rel=1e-12),
        "solved": 2,
        "steps_to_solved": 30,  # of 20 and 40, the runs that solved it
        "seconds": 1.5,
        "features": None,
        "num_params": 7,
        "state_size": None,
    }


def test_the_seed_alone_parts_no_group(tmp_path):
    keys = [(cell, rate, seed) for cell in ("gru", "lstm") for rate in (0.1, 0.2) for seed in (0, 1)]
    for number, (cell, rate, seed) in enumerate(keys):
        overrides = [f"cell={cell}", f"optimizer.learning_rate={rate}", f"seed={seed}", "training.steps=5"]
        write_run(tmp_path / str(number), overrides, [0.5])
    found = [
        (group.key["cell"], group.key["optimizer.learning_rate"], len(group.runs))
        for group in groups_in(tmp_path)
    ]
    assert found == [("gru", 0.1, 2), ("gru", 0.2, 2), ("lstm", 0.1, 2), ("lstm", 0.2, 2)]
    assert set(groups_in(tmp_path)[0].key) == {"cell", "architecture", "task", "optimizer.learning_rate"}


def test_where_nothing_finished_nothing_is_claimed(tmp_path):
    write_run(tmp_path / "0", status="incompatible", reason="it does not fit")
    found = groups_in(tmp_path)[0].aggregate()
    assert (found["n"], found["solved"], found["statuses"]) == (0, 0, {"incompatible": 1})
    assert {found[key] for key in ("mean", "interval_95", "median", "steps_to_solved", "seconds")} == {None}


@pytest.mark.parametrize(
    ("metric", "ends"), [("accuracy", (0, 1)), ("mse", (0, np.inf)), ("mine", (-np.inf, np.inf))]
)
def test_an_interval_ends_at_the_bounds_of_its_metric(tmp_path, metric, ends):
    scores = [0.02, 0.99, 0.98]
    for seed, score in enumerate(scores):
        write_run(tmp_path / str(seed), [f"seed={seed}"], test={f"test/{metric}": score}, metric=metric)
    (group,) = groups_in(tmp_path)
    low, high = interval(np.array(scores))
    assert low < 0 < 1 < high
    assert group.interval_95 == pytest.approx([max(low, ends[0]), min(high, ends[1])], rel=1e-12)


def test_a_seed_counts_once(tmp_path):
    for number, seed in enumerate([1, 1, 2]):
        write_run(tmp_path / str(number), [f"seed={seed}"], [0.1])
    (group,) = groups_in(tmp_path)
    assert (group.aggregate()["n"], group.aggregate()["solved"]) == (2, 0)
