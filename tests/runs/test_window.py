"""Windows of cells that are shorter than the sequences."""

from __future__ import annotations

import pytest
from tiny_runs import tiny

from seqlab.runs import build, compose_request
from seqlab.runs.by_length import evaluate_lengths


@pytest.mark.parametrize(("window", "noted"), [(5, True), (6, False)])
def test_a_run_tells_of_sequences_longer_than_the_window(window, noted):
    overrides = tiny("adding", "many_to_one", "cell=attention", f"cell.window={window}")
    notes = build(compose_request(overrides)).info.notes
    assert any("cell.window=5 is shorter than sequences of 6 steps" in note for note in notes) == noted


@pytest.mark.parametrize(
    ("cell", "lengths", "noted"), [("attention", [6], 0), ("attention", [6, 9], 1), ("gru", [9], 0)]
)
def test_so_does_an_evaluation_of_longer_ones(cell, lengths, noted):
    window = ["cell.window=6"] if cell == "attention" else []
    program = build(compose_request(tiny("adding", "many_to_one", f"cell={cell}", *window))).program
    params = program.init(0, program.task.data).params
    assert len(evaluate_lengths(program, params, lengths, "test").notes) == noted
