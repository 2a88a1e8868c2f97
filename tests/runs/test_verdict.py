"""Verdicts: one reading for every status, direction and size of the test split."""

from __future__ import annotations

import math
import re
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqlab.runs.verdict import interval_of_share, next_commands, verdict
from seqlab.tracking import STATUSES
from seqlab.tracking.lines import number
from seqlab.tracking.run_folder import UNFINISHED

shares = st.floats(0, 1)
numbers = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf]))


def finished(metric, higher, score, chance, solved_at, examples=None, **further):
    summary = {
        "status": "finished",
        "reason": None,
        "architecture": "many_to_one",
        "steps": 7,
        "total_steps": 7,
        "metric": metric,
        "higher_is_better": higher,
        "chance": chance,
        "solved_at": solved_at,
        "baseline": "a coin; another 0.5",
        "test": {"step": 7, f"test/{metric}": score},
        "best": {"step": 5, f"eval/{metric}": score},
        "solved": score >= solved_at if higher else score <= solved_at,
        "validation": {"chance": chance, "solved_at": solved_at},
    }
    return summary | ({} if examples is None else {"test_examples": examples}) | further


@given(
    status=st.sampled_from([*STATUSES, UNFINISHED, "damaged"]),
    known=st.fixed_dictionaries(
        {},
        optional={
            "reason": st.one_of(st.none(), st.text(max_size=30)),
            "steps": st.integers(0, 10**6),
            "total_steps": st.integers(0, 10**6),
            "chance": numbers,
            "solved_at": numbers,
            "baseline": st.text(max_size=20),
            "best": numbers.map(lambda value: {"step": 3, "eval/mse": value}),
            "test": numbers.map(lambda value: {"step": 3, "test/mse": value}),
            "test_examples": st.integers(1, 10**6),
        },
    ),
)
def test_every_summary_has_a_verdict_of_one_line(status, known):
    found = verdict({"status": status, "metric": "mse", "higher_is_better": False, **known})
    assert found.endswith(".")
    assert len(found.splitlines()) == 1
    assert found[0].isupper()


@given(numbers, numbers, numbers, st.booleans())
def test_a_verdict_names_score_baseline_and_threshold_and_agrees_with_solved(
    score, chance, solved_at, higher
):
    summary = finished("loss", higher, score, chance, solved_at)
    found = verdict(summary)
    for value in (score, chance, solved_at):
        assert number(value) in found
    assert found.startswith("Learnt:") == summary["solved"]
    assert ("or above" in found, "or below" in found) == (higher, not higher)
    assert "(a coin)" in found


@given(st.integers(1, 10**5), shares, shares, shares)
@example(1000, 1.0, 0.5, 0.99)
@example(66, 1.0, 0.0, 0.0)
def test_a_score_is_better_than_a_baseline_only_beyond_the_sampling_error(count, right, chance, solved_at):
    score = round(right * count) / count
    found = verdict(finished("accuracy", True, score, chance, solved_at, count))
    low, high = interval_of_share(score, count)
    assert 0 <= low <= score <= high <= 1
    assert f"over {count:,} example" in found
    solved = score >= solved_at
    assert found.startswith("Learnt") == solved
    assert found.startswith("Learnt, but not clearly") == (solved and low < solved_at)
    assert found.startswith("Not learnt") == (not solved and low <= chance)


@pytest.mark.parametrize(
    ("metric", "architecture", "known"),
    [
        ("accuracy", "many_to_one", True),
        ("accuracy", "many_to_many", False),  # positions of one sequence are not independent
        ("sequence_accuracy", "many_to_many", True),
        ("mse", "many_to_one", False),
    ],
)
def test_an_interval_is_given_where_every_example_is_right_or_wrong(metric, architecture, known):
    summary = finished(metric, metric != "mse", 0.9, 0.5, 0.8, 100, architecture=architecture)
    assert ("95 % interval" in verdict(summary)) == known
    assert "over 100 examples" in verdict(summary)


def test_an_interval_narrows_with_the_examples():
    widths = [high - low for low, high in (interval_of_share(0.9, n) for n in (10, 100, 1000))]
    assert sorted(widths, reverse=True) == widths


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "Learnt: test accuracy 0.98"),
        ({"reason": "the last 2 evaluations brought no better eval/accuracy"}, "It ended at step 7 of 7"),
        ({"test": {"test/accuracy": 0.6}, "solved": False}, "Better than the baseline, but not solved"),
        ({"best": {"step": 7}, "solved": False, "test": {"test/accuracy": 0.6}}, "more training.steps"),
        ({"status": "diverged", "reason": "the loss is not finite at step 3"}, "lower.* The best so far"),
        ({"status": "interrupted", "steps": 3}, "Stopped at step 3 of 7.*validation accuracy 0.98"),
        ({"status": "interrupted", "best": {}}, "^Stopped at step 7 of 7.$"),
        ({"status": "failed", "reason": "ValueError: why.\n"}, "^Failed: ValueError: why.$"),
        ({"status": "incompatible", "reason": "they do not fit"}, "^Not run: they do not fit.$"),
    ],
)
def test_the_words_of_an_end(change, words):
    summary = finished("accuracy", True, 0.98, 0.5, 0.8, **change)
    assert re.search(words, verdict(summary))


@pytest.mark.parametrize("status", STATUSES)
@given(name=st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=20))
def test_next_commands_are_read_by_a_shell_with_the_folder_whole(status, name):
    summary = finished(
        "accuracy", True, 0.9, 0.5, 0.8, status=status, usage=["generate", "--prompt", "PROMPT"]
    )
    commands = [shlex.split(command) for command in next_commands(name, summary)]
    if status in ("failed", "incompatible"):
        assert commands == []
        return
    used = ["python", "-m", "seqlab.generate", name, "--prompt", "PROMPT"]
    assert commands == [[*used[:2], f"seqlab.{one}", name] for one in ("report", "evaluate")] + [used]
