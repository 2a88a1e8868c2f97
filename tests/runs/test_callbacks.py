"""Hooks of a run: called at rows, evaluations, checkpoints and the end; their metrics stand in the rows."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.tracking import Callback, read_rows, read_summary

ADDING = tiny("adding", "many_to_one", "training.steps=4", "training.eval_every=2", "training.log_every=2")


class Recorder(Callback):
    def __init__(self):
        self.heard = []

    def on_start(self, info):
        self.heard.append(("start", info.steps))

    def on_row(self, row):
        self.heard.append(("row", row["step"]))
        return {"mine/double": 2 * row["step"]}

    def on_evaluation(self, row, params):
        self.heard.append(("evaluation", row["step"]))
        return {"mine/largest": max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(params))}

    def on_checkpoint(self, step, folder):
        self.heard.append(("checkpoint", step))

    def on_end(self, summary):
        self.heard.append(("end", summary["status"]))


@pytest.mark.runs
def test_every_hook_is_called_and_adds_to_its_row(folder):
    recorder = Recorder()
    summary = run([*ADDING, f"hydra.run.dir={folder}"], callbacks=[recorder])
    assert recorder.heard == [
        *[("start", 4), ("row", 2), ("evaluation", 2), ("row", 4), ("evaluation", 4)],
        *[("checkpoint", 4), ("end", "finished")],
    ]
    rows = read_rows(folder)
    assert [row["mine/double"] for row in rows if "train/loss" in row] == [4, 8]
    assert all(row["mine/largest"] > 0 for row in rows if "eval/loss" in row)
    assert summary["folder"] == read_summary(folder)["folder"] == str(folder)


class Failing(Callback):
    def on_row(self, row):
        return {"train/loss": 0.0}


@pytest.mark.runs
def test_a_hook_cannot_replace_a_metric_and_its_error_ends_the_run(folder):
    with pytest.raises(ValueError, match="keys that the row has: train/loss"):
        run([*ADDING, f"hydra.run.dir={folder}"], callbacks=[Failing()])
    assert read_summary(folder)["status"] == "failed"
