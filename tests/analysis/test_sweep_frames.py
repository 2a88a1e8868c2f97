"""Frames of runs, their list, and the comparison of two."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import write_run

from seqlab import list_runs, list_sweeps, load_sweep
from seqlab.analysis.comparison import compare
from seqlab.analysis.sweep_list import sweep_row
from seqlab.analysis.sweep_runs import read_sweep
from seqlab.types import ConfigError


@pytest.fixture
def sweep(tmp_path):
    """A sweep of two cells, with three seeds each, one of which failed."""
    for cell, scores in (("gru", (0.1, 0.2, 0.3)), ("lstm", (0.5, 0.6, 0.7))):
        for seed, score in enumerate(scores):
            status = "failed" if (cell, seed) == ("lstm", 2) else "finished"
            folder = tmp_path / "sweep" / f"{cell}{seed}"
            write_run(folder, [f"cell={cell}", f"seed={seed}"], [1.0, score], [-0.1], status=status)
    return tmp_path / "sweep"


def test_a_sweep_is_three_frames(sweep):
    found = load_sweep(sweep)
    assert found.runs[["cell", "seed"]].values.tolist() == [[c, s] for c in ("gru", "lstm") for s in range(3)]
    assert found.groups[["cell", "n"]].values.tolist() == [["gru", 3], ["lstm", 2]]
    np.testing.assert_allclose(found.groups["mean"], [0.2, 0.55])
    assert len(found.curves) == 6 * 3
    assert found.curves.groupby("cell")["eval/mse"].min().to_dict() == {"gru": 0.1, "lstm": 0.5}


def test_the_list_has_every_run_with_its_score(sweep, monkeypatch):
    found = list_runs(sweep)
    assert found["status"].value_counts().to_dict() == {"finished": 5, "failed": 1}
    np.testing.assert_allclose(found["test"][:3], [0.1, 0.2, 0.3])
    monkeypatch.chdir(sweep)
    assert len(list_runs()) == 0
    with pytest.raises(ConfigError, match="nowhere is not a folder"):
        list_runs("nowhere")


def test_a_comparison_names_keys_and_intervals(sweep, tmp_path):
    alone = compare(sweep / "gru0", sweep / "gru1")
    assert alone.config == {"seed": (0, 1)}
    assert [(side.n, side.interval_95) for side in alone.scores] == [(1, None)] * 2
    assert alone.difference_95 is None
    for name, shift in (("near", 0.0), ("far", 5.0)):
        for seed in range(4):
            write_run(tmp_path / name / str(seed), [f"seed={seed}"], [shift + seed])
    low, high = compare(tmp_path / "near", tmp_path / "far").difference_95
    assert 0 < low < 5 < high
    low, high = compare(tmp_path / "near", tmp_path / "near").difference_95
    assert low < 0 < high
    with pytest.raises(ConfigError, match=r"holds no run$"):
        compare(sweep, tmp_path / "nowhere")


def test_a_sweep_has_a_row_with_its_best_group(sweep):
    row = sweep_row("mine", read_sweep(sweep))
    assert (row["status"], row["planned"], row["finished"], row["failed"]) == ("failed", 6, 5, 1)
    assert row["best_group"].split()[0] == "gru"
    np.testing.assert_allclose(row["best_mean"], 0.2)
    assert row["best_interval_95"][0] < 0.2 < row["best_interval_95"][1]
    assert row["folder"] == str(sweep)
    assert list_sweeps(sweep).empty  # the runs were made by hand, in no sweep of Hydra


def test_groups_that_two_sweeps_share_are_compared(sweep):
    found = compare(sweep, sweep)
    assert [pair.group.split()[0] for pair in found.groups] == ["gru", "lstm"]
    assert all(low < 0 < high for low, high in (pair.difference_95 for pair in found.groups))
    assert [side.n for side in found.groups[1].scores] == [2, 2]


def test_the_command_lists_and_compares(sweep, inside):
    done = inside("cli.runs", str(sweep))
    assert done.returncode == 0, done.stderr
    assert sum(line.startswith("finished") for line in done.stdout.splitlines()) == 5
    done = inside("cli.runs", "--compare", str(sweep / "gru0"), str(sweep / "gru1"))
    assert "0.1 (1 run, so no interval)" in done.stdout
    done = inside("cli.runs", str(sweep / "nowhere"))
    assert done.returncode == 2
    assert done.stderr.endswith("nowhere is not a folder\n")
