"""Windows of cells that are shorter than the sequences."""

from __future__ import annotations

import pytest
from tiny_runs import tiny

from seqlab.runs import build, compose_request
from seqlab.runs.by_length import evaluate_lengths


@pytest.mark.parametrize(
    ("task", "architecture", "window", "noted"),
    [
        ("adding", "many_to_one", 5, True),
        ("adding", "many_to_one", 6, False),
        ("digits", "many_to_one", 5, True),
        ("digits", "one_to_one", 5, False),
    ],
)
def test_a_run_tells_of_sequences_longer_than_the_window(task, architecture, window, noted):
    overrides = tiny(task, architecture, "cell=attention", f"cell.window={window}")
    notes = build(compose_request(overrides)).info.notes
    assert any("cell.window=5 is shorter than sequences" in note for note in notes) == noted


def test_so_does_an_evaluation_of_longer_ones():
    overrides = tiny("adding", "many_to_one", "cell=attention", "cell.window=6")
    program = build(compose_request(overrides)).program
    params = program.init(0, program.task.data).params
    (note,) = evaluate_lengths(program, params, [6, 9], "test").notes
    assert note.startswith("cell.window=6 is shorter than sequences of 9 steps")
