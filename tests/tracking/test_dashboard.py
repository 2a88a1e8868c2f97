"""W&B workspace: its sections, and that every key in its panels is one that runs log."""

from __future__ import annotations

import json
import runpy
import sys

import jax.numpy as jnp
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.diagnostics.gates import gate_statistics
from seqlab.registry import CONF
from seqlab.tracking import dashboard, read_rows, read_summary
from seqlab.tracking.chart_values import chart_values
from seqlab.tracking.wandb_artifacts import scores

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic V1 style:DeprecationWarning")  # wandb-workspaces

SCRIPT = CONF.parent / "scripts" / "make_dashboard.py"


def sections_of(specification):
    sections = specification["spec"]["section"]["panelBankConfig"]["sections"]
    return {section["name"]: section["panels"] for section in sections}


def made(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["make_dashboard.py", *words])
    status = 0
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except SystemExit as stop:
        status = stop.code
    return status, *capsys.readouterr()


def test_the_specification_is_printed_without_a_login(monkeypatch, capsys):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    status, printed, _ = made(monkeypatch, capsys, "team/project", "--metrics", "f1", "--dry-run")
    found = json.loads(printed)
    assert (status, found["entity"], found["project"]) == (0, "team", "project")
    sections = sections_of(found)
    assert list(sections) == ["learning", "gradients", "through time", "gates", "sweep"]
    kinds = [panel["viewType"] for panel in sections["sweep"]]
    assert kinds == ["Parallel Coordinates Plot", "Scatter Plot", "Bar Chart", "Media Browser"]
    grouping = found["spec"]["section"]["runSets"][0]["grouping"]
    assert [key["name"] for key in grouping] == [
        "cell.value.name",
        "architecture.value.name",
        "task.value.name",
    ]
    assert any(panel["config"].get("metrics") == ["train/f1", "eval/f1"] for panel in sections["learning"])


@pytest.mark.parametrize("project", ["project", "/", "a/b/c"])
def test_what_is_no_project_is_refused(project, monkeypatch, capsys):
    status, _, error = made(monkeypatch, capsys, project, "--dry-run")
    assert status
    assert error.startswith("error: ENTITY/PROJECT must be")


@pytest.mark.runs
def test_every_key_of_a_panel_is_logged(tmp_path):
    """A run of an LSTM logs them, or one of a GRU, whose gates have other names."""
    more = ["cell=lstm", "gradients=full", "training.steps=1", f"hydra.run.dir={tmp_path}"]
    run([*tiny("parity_check", "many_to_one"), *more])
    of_gru = gate_statistics(dict.fromkeys(("reset", "update"), jnp.ones((2, 3))), jnp.ones(2, bool))
    keys = set()
    for row in [*read_rows(tmp_path), of_gru]:
        numbers, histograms = chart_values(row)
        keys |= numbers.keys() | histograms.keys()
    assert scores(read_summary(tmp_path)).keys() == {dashboard.TEST_SCORE, dashboard.BEST_SCORE}
    panels = sections_of(dashboard.specification(dashboard.workspace("team", "project", ["accuracy"])))
    shown = {
        key
        for section in ("learning", "gradients", "through time", "gates")
        for panel in panels[section]
        for key in panel["config"].get("metrics", [])
    }
    assert shown - keys == set()
