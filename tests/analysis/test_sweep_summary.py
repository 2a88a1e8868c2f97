"""Summary of a sweep, however its runs ended. `tests/cli/test_commands.py` tests real sweeps."""

from __future__ import annotations

import csv
import io
import os
import time

import pytest
import rich.console
from hand_made import write_run
from hydra.utils import instantiate
from omegaconf import OmegaConf

from seqlab.analysis import sweep_summary
from seqlab.analysis.sweep_summary import FIGURES, write_sweep_summary
from seqlab.analysis.sweep_trackers import SweepTrackers
from seqlab.runs import compose_config
from seqlab.tracking.encoding import from_json


def answered(folder):
    """Return the rows, the groups, and what is printed."""
    screen = rich.console.Console(file=io.StringIO(), width=200)
    write_sweep_summary(folder, screen)
    with (folder / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, from_json((folder / "sweep.json").read_text()), screen.file.getvalue()


def write_mixed(folder):
    """Write runs that ended in every way there is."""
    number = 0
    for cell in ("elman", "gru"):
        for rate in ("0.001", "0.1"):
            for seed in range(2):
                overrides = [f"cell={cell}", f"optimizer.learning_rate={rate}", f"seed={seed}"]
                scores = [0.2, 0.1 / (number + 1), 0.005 * (number + 1)]
                write_run(folder / str(number), overrides, scores, [-0.1 * number])
                number += 1
    one_to_many = "architecture=one_to_many"
    ends = {"incompatible": one_to_many, "diverged": "optimizer.learning_rate=1e9", "failed": "seed=7"}
    for status, override in ends.items():
        write_run(folder / status, [override], status=status, reason=f"[{status}] because")
    write_run(folder / "killed", ["seed=8"], status=None)


def test_every_run_has_a_row_and_every_group_an_entry(tmp_path):
    write_mixed(tmp_path)
    rows, told, printed = answered(tmp_path)
    assert [row["folder"] for row in rows] == [*"01234567", "diverged", "failed", "incompatible", "killed"]
    assert {row["optimizer.learning_rate"] for row in rows} == {"0.001", "0.1", "1000000000.0", ""}
    assert told["runs"] == len(rows)
    assert told["swept"] == ["optimizer.learning_rate"]
    assert sum(group["n"] for group in told["groups"]) == told["statuses"]["finished"] == 8
    for status in ("incompatible", "diverged", "failed"):
        assert printed.count(f"[{status}] because") == 1
    for folder in ("diverged", "failed", "killed"):
        assert str(tmp_path / folder) in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("ended", ["before", "after"])
def test_a_sweep_says_how_to_follow_it_and_where_nothing_was_left_to_do(ended, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sweep_summary, "FIGURES", {})
    write_run(tmp_path / "0", ["seed=0"], [0.1], [-0.1])
    written = 0 if ended == "before" else time.time() + 60
    os.utime(tmp_path / "0" / "summary.json", (written, written))
    of_sweep = {"sweep": {"dir": str(tmp_path)}}
    config = OmegaConf.create({"hydra": of_sweep, "callbacks": {}, "tracking": {}})
    summary = sweep_summary.SweepSummary()
    summary.on_multirun_start(config)
    summary.on_multirun_end(config)
    printed = capsys.readouterr().out
    assert printed.startswith(f"sweep: python -m seqlab.watch {tmp_path} follows it\n")
    assert ("nothing was left to do: every run had ended before" in printed) == (ended == "before")


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn(tmp_path, name):
    write_mixed(tmp_path)
    answered(tmp_path)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_answer_does_not_depend_on_when_it_is_asked(tmp_path):
    write_mixed(tmp_path)
    (tmp_path / "3").rename(tmp_path.with_name("later"))
    answered(tmp_path)
    tmp_path.with_name("later").rename(tmp_path / "3")
    whole = answered(tmp_path)
    write_mixed(tmp_path / "again")
    assert whole[1] == answered(tmp_path / "again")[1]


@pytest.mark.parametrize("status", [None, "failed", "incompatible", "diverged"])
def test_a_sweep_in_which_nothing_finished(tmp_path, status):
    write_run(tmp_path / "0", status=status, reason="why")
    rows, told, _ = answered(tmp_path)
    assert [row["status"] for row in rows] == [status or "unfinished"]
    assert told["groups"][0]["mean"] is None
    assert not list(tmp_path.glob("*.png"))


def test_numbers_of_a_table_have_few_digits(tmp_path):
    for number, rate in enumerate(("0.004430375245218269", "0.1")):
        write_run(tmp_path / str(number), [f"optimizer.learning_rate={rate}"], [0.5])
    rows, _, printed = answered(tmp_path)
    assert "0.00443 " in printed
    assert "0.0044303" not in printed
    assert rows[0]["optimizer.learning_rate"] == "0.004430375245218269"


@pytest.mark.parametrize("widths", [(8, 8), (8, 5)])
def test_the_table_has_the_sizes_of_networks_of_several_widths(tmp_path, widths):
    for cell, features in zip(("elman", "gru"), widths, strict=True):
        sizes = {"features": features, "num_params": 1000 * features, "state_size": 2 * features}
        write_run(tmp_path / cell, [f"cell={cell}"], [0.5], **sizes)
    rows, told, printed = answered(tmp_path)
    assert [row["features"] for row in rows] == [str(width) for width in widths]
    assert {group["num_params"] for group in told["groups"]} == {1000 * width for width in widths}
    assert ("parameters" in printed) == ("5,000" in printed) == (len(set(widths)) > 1)


def test_many_groups_of_one_run_each(tmp_path):
    for number in range(25):
        write_run(tmp_path / str(number), [f"optimizer.learning_rate={number + 1}e-4"], [0.5, 0.5], [-0.1])
    _, told, _ = answered(tmp_path)
    assert len(told["groups"]) == 25
    assert all((tmp_path / f"{name}.png").exists() for name in FIGURES)


@pytest.mark.parametrize("broken", ["folder", "answer"])
def test_the_callback_names_what_is_broken_and_summarises_the_rest(tmp_path, caplog, capsys, broken):
    callback = instantiate(compose_config([]).hydra.callbacks.sweep)
    write_run(tmp_path / "0", scores=[0.5])
    write_run(tmp_path / "1", scores=[0.5])
    if broken == "folder":
        (tmp_path / "0" / "summary.json").write_text("{")
    else:
        (tmp_path / "sweep.csv").mkdir()
    config = OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}})
    if broken == "folder":
        with pytest.raises(SystemExit, match="1 of 2 runs did not finish"):
            callback.on_multirun_end(config)
    else:
        callback.on_multirun_end(config)
    (record,) = caplog.records
    assert str(tmp_path / "0" if broken == "folder" else tmp_path) in record.getMessage()
    assert ("sweep.json" in capsys.readouterr().out) == (broken == "folder")


def test_trackers_hear_of_the_sweep_and_one_command_uploads_it(tmp_path, capsys):
    write_run(tmp_path / "0", scores=[0.5])
    wandb = {"_target_": "seqlab.tracking.WeightsAndBiases", "mode": "offline"}
    console = {"_target_": "seqlab.tracking.Console"}
    SweepTrackers({"console": console, "wandb": wandb}).on_sweep_end(tmp_path, [{"cell": "gru"}])
    (place,) = tmp_path.glob("wandb/offline-run-*")
    assert place.is_dir()
    assert capsys.readouterr().out == f"to upload all runs: wandb sync {tmp_path}/wandb/offline-run-*\n"
