"""Statistics of a group: those of NumPy and SciPy over its finished runs."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hand_made import write_run

from seqlab.analysis.groups import RESAMPLES, bootstrap_interval, group_runs, interval
from seqlab.analysis.sweep_runs import read_sweep, swept_keys

SCORES = [0.3, 0.008, 0.1, 0.009]


def groups_in(folder):
    told = read_sweep(folder)
    return group_runs(told, swept_keys(told))


def test_aggregates_are_exact(tmp_path):
    for seed, score in enumerate(SCORES):
        write_run(tmp_path / str(seed), [f"seed={seed}"], [0.5] * seed + [score], seconds=float(seed))
    write_run(tmp_path / "4", ["seed=4"], [9.0], status="diverged")
    write_run(tmp_path / "5", ["seed=5"], status=None)
    (group,) = groups_in(tmp_path)
    told = group.aggregate()
    expected = scipy.stats.bootstrap(
        (sorted(SCORES),),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert told == {
        "cell": "gru",
        "architecture": "many_to_one",
        "task": "adding",
        "metric": "mse",
        "chance": 1 / 6,
        "solved_at": 0.01,
        "n": 4,
        "statuses": {"finished": 4, "diverged": 1, "unfinished": 1},
        "mean": pytest.approx(np.mean(SCORES), rel=1e-12),
        "interval_95": [expected.low, expected.high],
        "median": pytest.approx(np.median(SCORES), rel=1e-12),
        "solved": 2,
        "steps_to_solved": 30,  # of 20 and 40, the runs that solved it
        "seconds": 1.5,
    }


def test_the_seed_alone_parts_no_group(tmp_path):
    keys = [(cell, rate, seed) for cell in ("gru", "lstm") for rate in (0.1, 0.2) for seed in (0, 1)]
    for number, (cell, rate, seed) in enumerate(keys):
        overrides = [f"cell={cell}", f"optimizer.learning_rate={rate}", f"seed={seed}", "training.steps=5"]
        write_run(tmp_path / str(number), overrides, [0.5])
    told = [
        (group.key["cell"], group.key["optimizer.learning_rate"], len(group.runs))
        for group in groups_in(tmp_path)
    ]
    assert told == [("gru", 0.1, 2), ("gru", 0.2, 2), ("lstm", 0.1, 2), ("lstm", 0.2, 2)]
    assert set(groups_in(tmp_path)[0].key) == {"cell", "architecture", "task", "optimizer.learning_rate"}


def test_where_nothing_finished_nothing_is_claimed(tmp_path):
    write_run(tmp_path / "0", status="incompatible", reason="it does not fit")
    told = groups_in(tmp_path)[0].aggregate()
    assert (told["n"], told["solved"], told["statuses"]) == (0, 0, {"incompatible": 1})
    assert {told[key] for key in ("mean", "interval_95", "median", "steps_to_solved", "seconds")} == {None}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([], None), ([0.5], None), ([0.5, np.inf], None), ([0.5, np.nan], None), ([0.5, 0.5], [0.5, 0.5])],
)
def test_the_interval_of_little(scores, expected):
    assert interval(np.array(scores)) == expected


def test_the_interval_does_not_depend_on_the_order_and_narrows_with_more_runs():
    scores = np.random.default_rng(0).normal(size=40)
    low, high = interval(scores)
    assert interval(scores[::-1]) == [low, high]
    assert low < scores.mean() < high
    few_low, few_high = interval(scores[:5])
    assert high - low < few_high - few_low


def test_a_band_is_an_interval_at_every_step():
    curves = np.random.default_rng(0).normal(size=(6, 3))
    low, high = bootstrap_interval(curves, 500)
    for column in range(3):
        assert [low[column], high[column]] == [*bootstrap_interval(curves[:, column], 500)]
