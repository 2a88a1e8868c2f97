"""Is the table of applications that of its rows, however they come?"""

from __future__ import annotations

import runpy

import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.registry import CONF

SCRIPT = runpy.run_path(str(CONF.parent / "scripts" / "run_applications.py"))
ROWS = {
    "b": {"higher_is_better": True, "baselines": {"chance": 0.5, "rule": 0.9}, "ours": 0.91},
    "a": {"higher_is_better": False, "baselines": {"persistence": 1.25}, "ours": 1.24999},
}
ROWS = {
    name: row | {"task": name, "cell": "`gru`", "metric": "m", "minutes": 1.26, "command": f"train {name}"}
    for name, row in ROWS.items()
}
TABLE = """\
<!-- applications: begin -->
| task | cell | metric | baselines | ours | minutes | command |
| --- | --- | --- | --- | --- | --- | --- |
| `a` | `gru` | m | 1.25 persistence | 1.25 | 1.3 | `train a` |
| `b` | `gru` | m | 0.5 chance; 0.9 rule | **0.91** | 1.3 | `train b` |
<!-- applications: end -->"""


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"], ["a", "b", "a"]])
def test_the_same_rows_give_the_same_table_and_the_prose_stays(order, tmp_path):
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- applications: begin -->\nold\n<!-- applications: end -->\nafter\n")
    for name in order:
        SCRIPT["keep"](tmp_path, name, ROWS[name])
    assert page.read_text() == f"before\n{TABLE}\nafter\n"


@pytest.mark.runs
def test_a_row_is_what_the_run_left(folder):
    summary = run([*tiny("text_classification", "one_to_one", "training.steps=1"), f"hydra.run.dir={folder}"])
    name, row = SCRIPT["row_of"](folder)
    assert (name, row["task"]) == ("text_classification", "text_classification")
    assert row["ours"] == summary["test"]["test/accuracy"]
    assert row["baselines"][summary["baseline"]] == summary["chance"]
    assert {"naive Bayes", "logistic regression"} < set(row["baselines"])


def test_every_preset_without_the_hub_is_run():
    assert {"sms_spam", "co2", "digits", "respell"} < set(SCRIPT["presets"]())
    assert not {"imdb", "series", "adding"} & set(SCRIPT["presets"]())
