"""Notes about data: what concerns more than one row in a hundred."""

from __future__ import annotations

import pytest
from small_corpora import write_csv

from seqlab.tasks import load_task
from seqlab.tasks.data_notes import data_notes

COUNTS = {"train": 800, "validation": 90, "test": 90}


@pytest.mark.parametrize("name", ["duplicates", "dropped", "cut", "constant"])
def test_a_count_above_one_percent_is_noted(name):
    assert data_notes({**COUNTS, name: 5}) == ()
    [note] = data_notes({**COUNTS, name: 20})
    assert note.startswith(("20 of 980 ", "20 of 1,000 "))


def test_unknown_tokens_are_noted_by_column_and_split():
    shares = {"text": {"train": 0.002, "test": 0.25}}
    assert data_notes({**COUNTS, "unknown": shares}) == ("25.0% of the tokens of text in test are unknown",)


def test_notes_are_those_of_a_file(tmp_path):
    rows = [{"text": f"a long text {n % 50}", "label": "ab"[n % 2]} for n in range(100)]
    task = load_task("text_classification", source=str(write_csv(tmp_path / "a.csv", rows)), length=3)
    duplicates, cut, *unknown = data_notes(task.data_summary())
    assert duplicates.startswith("50 of 100 rows are duplicates")
    assert cut.startswith("50 of 100 examples")
    assert unknown == []
