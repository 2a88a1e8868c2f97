"""Comparison of groups of runs: tests, effect sizes and their wording."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hand_made import write_run

from seqlab.analysis.group_comparison import comparisons, corrected
from seqlab.analysis.groups import group_runs
from seqlab.analysis.studies.learning import verdicts
from seqlab.analysis.studies.paired import compare
from seqlab.analysis.sweep_runs import read_sweep, swept_keys
from seqlab.analysis.sweep_summary import write_sweep_summary

GOOD = [0.10, 0.11, 0.12, 0.13, 0.14]


def groups_of(folder, **scores):
    """Write a run for each score of each cell, None for one that diverged, and return their groups."""
    for cell, of_cell in scores.items():
        for seed, score in enumerate(of_cell):
            overrides = [f"cell={cell}", f"seed={seed}"]
            status = "diverged" if score is None else "finished"
            write_run(folder / f"{cell}-{seed}", overrides, [0.1 if score is None else score], status=status)
    runs = read_sweep(folder)
    return group_runs(runs, swept_keys(runs))


def test_two_groups_that_do_not_overlap_differ(tmp_path):
    (found,) = comparisons(groups_of(tmp_path, gru=[score + 0.1 for score in GOOD], lstm=GOOD))
    assert (found["better"], found["worse"], found["superiority"], found["seeds"]) == (
        "lstm",
        "gru",
        1.0,
        (5, 5),
    )
    assert found["p"] == pytest.approx(2 / 252)  # of the 252 ways to deal ten runs to two groups
    assert found["difference"] == pytest.approx(-0.1)
    low, high = found["interval"]
    assert low < -0.1 < high < 0
    assert found["verdict"].startswith("lstm beats gru by 0.1 [0.0769, 0.123], p = 0.0079, 5 seeds each")


def test_groups_that_overlap_are_not_told_apart_and_more_seeds_would(tmp_path):
    (found,) = comparisons(groups_of(tmp_path, gru=[0.1, 0.2, 0.3], lstm=[0.11, 0.19, 0.33]))
    assert "gru and lstm do not differ significantly" in found["verdict"]
    assert found["needed"] > 100
    assert f"about {found['needed']} seeds each would detect the difference" in found["verdict"]
    assert "3 seeds each can never reach significance" in found["verdict"]


def test_groups_that_no_comparison_could_tell_apart_get_one_sentence(tmp_path):
    few = groups_of(tmp_path / "few", gru=[0.1, 0.2], lstm=[1.1, 1.2], mgu=[2.1, 2.2])
    assert len(verdicts(few).splitlines()) == 3
    assert "can never differ significantly; with 5 seeds each they can" in verdicts(few)  # p = 2 · 2 / 252
    many = groups_of(tmp_path / "many", gru=[0.1, 0.2, 0.3, 0.4], lstm=[1.1, 1.2, 1.3, 1.4])
    assert "gru beats lstm" in verdicts(many) or "lstm beats gru" in verdicts(many)
    assert verdicts([]) == ""


def test_groups_are_compared_on_the_same_problem_alone(tmp_path):
    for length, cells in {"20": {"gru": 0.0, "lstm": 0.1}, "50": {"gru": 0.5, "lstm": 0.3}}.items():
        for cell, shift in cells.items():
            for seed, score in enumerate(GOOD):
                overrides = [f"cell={cell}", f"seed={seed}", f"task.length={length}"]
                write_run(tmp_path / f"{cell}-{length}-{seed}", overrides, [score + shift])
    runs = read_sweep(tmp_path)
    found = comparisons(group_runs(runs, swept_keys(runs)))
    assert [(pair["better"], pair["worse"]) for pair in found] == [
        ("gru, length 20", "lstm, length 20"),
        ("lstm, length 50", "gru, length 50"),
    ]
    assert [pair["p_corrected"] for pair in found] == corrected([pair["p"] for pair in found])


@pytest.mark.parametrize(
    ("numbers", "lowest", "decides"),
    [((3, 3), 2 / 20, False), ((2, 8), 2 / 45, True), ((3, 5), 2 / 56, True)],
)
def test_groups_of_unequal_size_decide_as_far_as_both_together_allow(tmp_path, numbers, lowest, decides):
    few, many = (np.linspace(0.1, 0.3, number) for number in numbers)
    (found,) = comparisons(groups_of(tmp_path, gru=few.tolist(), lstm=(many + 0.001).tolist()))
    assert sorted(found["seeds"]) == sorted(numbers)
    assert found["p"] > 0.05
    assert ("can never reach significance" in found["verdict"]) is not decides
    folder = tmp_path / "apart"
    (apart,) = comparisons(groups_of(folder, gru=few.tolist(), lstm=(many + 1).tolist()))
    assert apart["p"] == pytest.approx(lowest)
    assert ("gru beats lstm" in apart["verdict"]) is decides
    if decides:
        assert f"{numbers[0]} and {numbers[1]} seeds" in apart["verdict"]


def test_a_run_that_diverged_is_worse_than_any(tmp_path):
    (found,) = comparisons(groups_of(tmp_path, gru=GOOD, lstm=[0.5, None, None, None, None, None]))
    assert found["superiority"] == 1
    assert found["p"] < 0.05
    assert found["interval"] is None


def test_a_run_that_diverged_loses_its_pair(tmp_path):
    signs = compare(*groups_of(tmp_path, gru=[0.001] * 6, lstm=[None] * 5 + [0.5]))
    assert (signs.first, signs.second, signs.ties) == (6, 0, 0)
    assert signs.p == pytest.approx(2 / 64)
    assert signs.interval == pytest.approx((0, 1 - 0.025 ** (1 / 6)))


def test_p_values_are_corrected_for_their_number():
    np.testing.assert_allclose(corrected([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(corrected([0.9, 0.8]), [1, 1])
    assert corrected([]) == []


def test_solved_is_of_all_runs_that_were_planned(tmp_path, capsys):
    groups_of(tmp_path, gru=[0.001, None, None], lstm=[0.001, 0.002, 0.001])
    write_sweep_summary(tmp_path)
    printed = capsys.readouterr().out
    assert "1/3" in printed
    assert "1 of 3, 2 diverged" in printed
    content = json.loads((tmp_path / "sweep.json").read_text())
    assert [(group["solved"], group["planned"], group["n"]) for group in content["groups"]] == [
        (1, 3, 1),
        (3, 3, 3),
    ]
    assert content["comparisons"][0]["verdict"] in printed
