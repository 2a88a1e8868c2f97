"""The atlas: the choice of learning rates, entries, comparisons, costs, and the page, from made-up runs."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from made import JUDGEMENT, write_atlas_run, write_atlas_sweep, write_measures

from seqlab.analysis.atlas import write_atlas
from seqlab.analysis.atlas.collection import collect
from seqlab.analysis.atlas.costs import PARTS, costs, scaling
from seqlab.analysis.atlas.entries import entries, overall, paired
from seqlab.analysis.atlas.families import families, family_of, in_order, theory
from seqlab.analysis.atlas.measures import NAME
from seqlab.analysis.atlas.page import headline
from seqlab.analysis.atlas.rows import choose_rates, skill
from seqlab.registry import choices
from seqlab.types import ConfigError

MODELS, PROBLEMS, RATES = ("lstm", "attention"), ("parity_check", "adding"), (0.001, 0.005)


def score(model, problem, seed, rate):
    """Return a loss: LSTMs solve everything at the higher rate, attention solves adding."""
    solves = model == "lstm" or problem == "adding"
    return (0.005 if solves else 0.1) + 0.001 * seed + (0.02 if rate < 0.002 else 0)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas")
    write_atlas_sweep(folder, MODELS, PROBLEMS, 2, RATES, score)
    diverged = write_atlas_run(folder / "90", "gru", "adding", 0, 0.005, 0.005, status="diverged")
    write_measures(diverged, 0.1, 3)
    write_atlas_run(folder / "91", "gru", "adding", 0, 0.001, 0.15)
    write_measures(folder / "91", 0.15, 3)
    write_atlas_run(folder / "92", "gru", "parity_check", 0, 0.001, 0.1, status="incompatible")
    return folder


@pytest.fixture(scope="module")
def found(sweep):
    return collect([sweep], JUDGEMENT, "lstm")


def record_words(folder, words):
    """Write the words of a sweep's command, as Hydra records them."""
    (folder / "multirun.yaml").write_text(json.dumps({"hydra": {"overrides": {"task": words}}}))


def line_of(found, model, problem):
    return next(line for line in found.lines if (line["model"], line["problem"]) == (model, problem))


def test_validation_chooses_the_rate_and_a_rate_that_diverges_comes_last(found):
    rates = choose_rates(found.rows)
    assert rates["lstm", "adding"] == 0.005
    assert rates["gru", "adding"] == 0.001
    assert {row["learning_rate"] for row in found.rows if row["chosen"] and row["model"] == "lstm"} == {0.005}


def test_an_entry_counts_the_runs_of_its_rate(found):
    line = line_of(found, "lstm", "parity_check")
    assert (line["n"], line["planned"], line["solved"]) == (2, 2, 2)
    assert line["test"] == pytest.approx(0.0055)
    assert line["test_low"] < line["test"] < line["test_high"]
    assert line["steps_to_solved"] == 30
    assert line["p"] is None
    unfit = line_of(found, "gru", "parity_check")
    assert (unfit["n"], unfit["planned"], unfit["statuses"]) == (0, 0, "1 incompatible")


def test_intervals_end_at_the_range_of_their_column(found):
    line = line_of(found, "lstm", "parity_check")  # two seeds with losses of .005 and .006
    assert (line["test_low"], line["skill_high"]) == (0, 1)


def test_the_headline_is_about_problems_with_finished_runs_and_models_that_have_all_of_them(tmp_path):
    write_atlas_sweep(tmp_path, ("lstm",), PROBLEMS, 2, RATES, score)
    alone = write_atlas_run(tmp_path / "90", "gru", "adding", 0, 0.005, 0.0001)  # better, on one problem
    write_measures(alone, 0.0001, 3)
    write_atlas_run(tmp_path / "91", "lstm", "copy_memory", 0, 0.005, 0.1, status="interrupted")
    said = headline(collect([tmp_path], JUDGEMENT, "lstm"))
    assert said == "lstm solves 2 of 2 problems, the most. lstm has the best mean skill at longer sequences."
    assert "copy_memory" not in said


def test_the_headline_names_all_that_solve_the_most_and_what_nobody_solves(tmp_path):
    write_atlas_sweep(
        tmp_path,
        ("gru", "lstm"),
        PROBLEMS,
        2,
        RATES,
        lambda _, problem, *rest: 0.005 if problem == "adding" else 0.1,
    )
    said = headline(collect([tmp_path], JUDGEMENT, "lstm"))
    assert said.startswith("gru and lstm solve 1 of 2 problems, the most.")
    assert said.endswith("No run solves parity_check.")


def test_the_command_of_a_resumed_sweep_is_that_of_its_start(tmp_path):
    write_atlas_sweep(tmp_path, ("lstm",), ("adding",), 1, (0.005,), score)
    words = ["+experiment=atlas_small", "resume=auto", f"sweep.resume={tmp_path}"]
    record_words(tmp_path, words)
    assert collect([tmp_path], JUDGEMENT, "lstm").commands == [
        "python -m seqlab.train +experiment=atlas_small"
    ]


def test_the_commands_of_parts_are_found_below_their_common_folder(tmp_path):
    for problem in PROBLEMS:
        write_atlas_sweep(tmp_path / problem, ("lstm",), (problem,), 1, (0.005,), score)
        record_words(tmp_path / problem, [f"+experiment/atlas={problem}"])
    assert collect([tmp_path], JUDGEMENT, "lstm").commands == [
        f"python -m seqlab.train +experiment/atlas={problem}" for problem in sorted(PROBLEMS)
    ]


def test_a_resumed_program_has_no_cost(tmp_path):
    for seed, resumed in enumerate(([], [3])):
        write_atlas_run(tmp_path / str(seed), "lstm", "adding", seed, 0.005, 0.005, resumed=resumed)
    (program,) = costs(collect([tmp_path], JUDGEMENT, "lstm").rows)
    assert program["runs"] == 1


def test_a_program_without_recorded_times_has_no_cost(tmp_path):
    for seed, missing in enumerate(("program_cpu_seconds", "steps_per_second")):
        write_atlas_run(tmp_path / str(seed), "lstm", "adding", seed, 0.005, 0.005, **{missing: None})
    assert costs(collect([tmp_path], JUDGEMENT, "lstm").rows) == []


def test_measures_without_the_baselines_of_the_lengths_are_taken_anew(tmp_path):
    run = write_atlas_run(tmp_path / "0", "lstm", "adding", 0, 0.005, 0.005)
    write_measures(run, 0.005, 3)
    found = json.loads((run / NAME).read_text())
    (run / NAME).write_text(json.dumps({key: found[key] for key in found if key != "baselines"}))
    (row,) = collect([tmp_path], JUDGEMENT, "lstm").rows
    assert row["error"]  # the made-up folder cannot be measured
    assert row["beyond_skill"] is None


def test_counts_name_every_status(found):
    assert found.counts == {"finished": 17, "diverged": 1, "incompatible": 1, "resumes": 0}


def test_a_comparison_is_of_shared_seeds():
    base = {"status": "finished"}
    rows = [{**base, "seed": seed, "test": value} for seed, value in enumerate([1.0, 2.0, 4.0])]
    other = [{**base, "seed": seed, "test": 1.0} for seed in (1, 2, 7)]
    pair = paired(rows, other)
    assert (pair.difference, pair.seeds) == (2.0, 2)
    assert pair.interval[0] < 2 < pair.interval[1]
    assert 0 < pair.p < 1
    assert paired(rows, rows).p == 1
    assert paired(rows[:1], other) is None


def test_p_values_of_a_problem_are_corrected_upwards(found):
    for line in entries(found.rows, "lstm"):
        assert line["p_corrected"] is None or line["p_corrected"] >= line["p"]


def test_models_are_compared_over_problems(found):
    rows = {row["model"]: row for row in overall(found.lines, "lstm")}
    assert rows["lstm"]["difference"] == 0
    assert rows["attention"]["difference"] < 0
    assert rows["lstm"]["solved"] == 2
    assert rows["attention"]["solved"] == 1
    assert 0 <= rows["attention"]["p_corrected"] <= 1


def test_the_interval_of_a_difference_of_skills_ends_at_that_of_perfect_and_useless(tmp_path):
    problems = sorted(choices("experiment/atlas"))[:8]

    def fails_at_one(model, problem, *_):
        return 0.01 if model == "lstm" else 0.2 if problem == problems[0] else 0.01 + len(problem) / 5000

    write_atlas_sweep(tmp_path, MODELS, problems, 2, RATES, fails_at_one)
    rows = {row["model"]: row for row in overall(collect([tmp_path], JUDGEMENT, "lstm").lines, "lstm")}
    assert -0.2 < rows["attention"]["difference"] < -1 / 8
    assert rows["attention"]["difference_low"] == -1
    assert rows["attention"]["difference_high"] <= 1


@pytest.mark.parametrize(("chance", "solved_at"), [(0.5, 0.99), (0.16, 0.01)])
def test_skill_is_0_at_the_baseline_and_1_where_solved(chance, solved_at):
    assert skill(chance, chance, solved_at) == 0
    assert skill(solved_at, chance, solved_at) == 1
    assert skill(2 * chance - solved_at, chance, solved_at) == 0
    assert skill(float("inf"), chance, solved_at) == 0
    assert skill(None, chance, solved_at) is None


def test_the_skill_beyond_the_trained_lengths_is_by_the_baseline_of_each_length(found):
    row = next(row for row in found.rows if row["folder"] == "0")  # an error of .025, and of .045 beyond
    assert row["beyond_skill"] == pytest.approx(np.mean([(0.16 - 0.045) / 0.15, (0.08 - 0.045) / 0.07]))


def test_costs_add_up_and_more_cores_take_no_longer(found):
    programs = costs(found.rows)
    assert len(programs) == 5
    assert sum(programs[0][part] for part in PARTS[:3]) == pytest.approx(30)
    assert programs[0]["cpu"] == pytest.approx(40 + programs[0]["measure"])
    hours = [float(row["hours"].split()[-1]) for row in scaling(programs)]
    assert hours[0] >= hours[1] >= hours[2] > 0


def test_every_model_and_problem_of_the_atlas_has_a_family_and_theory_names_known_ones():
    assert {family_of(name, "models") for name in choices("experiment/model")} <= set(families()["models"])
    assert {family_of(name, "problems") for name in choices("experiment/atlas")} <= set(
        families()["problems"]
    )
    for kind in ("models", "problems"):
        known = {
            *families()[kind],
            *in_order(
                choices(f"experiment/{kind}".replace("models", "model").replace("problems", "atlas")), kind
            ),
        }
        assert {name for said in families()["theory"] for name in said[kind]} <= known
    assert family_of("somebody_elses", "models") == "others"
    assert all(said["source"] for said in theory(MODELS, PROBLEMS))


def test_the_files_of_an_atlas_hold_its_runs(sweep, tmp_path):
    _, text = write_atlas([sweep], tmp_path, JUDGEMENT)
    assert "| lstm | 4 | 2 | 2 |" in text
    frame = pd.read_csv(tmp_path / "atlas.csv", dtype={"folder": str})
    assert len(frame) == 19
    assert all((sweep / folder).is_dir() for folder in frame["folder"])
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "atlas.parquet")[["model", "test"]],
        frame[["model", "test"]],
        check_dtype=False,
    )
    assert len(pd.read_csv(tmp_path / "cells.csv")) == 6
    page = (tmp_path / "index.html").read_text()
    assert not re.search(r"(src|href)=\"https?:", page)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [one["name"] for one in data["models"]] == ["lstm", "gru", "attention"]
    assert len(data["entries"]) == 6
    assert np.isfinite([run["curve"] for run in data["runs"] if run["curve"]]).all()


def test_several_sweeps_are_one_atlas_and_none_is_refused(sweep, tmp_path):
    other = write_atlas_sweep(tmp_path / "b", ["gru"], ["parity_check"], 2, RATES, score)
    found = collect([sweep, other], JUDGEMENT, "lstm")
    assert line_of(found, "gru", "parity_check")["n"] == 2
    assert all((found.root / row["folder"]).is_dir() for row in found.rows)
    with pytest.raises(ConfigError, match=r"^no run is below .*$"):
        collect([tmp_path / "nothing"], JUDGEMENT, "lstm")


def test_a_run_that_cannot_be_measured_says_why(tmp_path):
    run = write_atlas_run(tmp_path / "0", "lstm", "adding", 0, 0.001, 0.005)
    (row,) = collect([tmp_path], JUDGEMENT, "lstm").rows
    assert row["error"]
    assert row["beyond"] is None
    assert not (run / NAME).exists()
