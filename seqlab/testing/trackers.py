"""Laws of a tracker: what every run relies on."""

from __future__ import annotations

import copy
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.testing.laws import Laws, require
from seqlab.tracking import RunInfo, Tracker
from seqlab.types import Goal

TRACKER_LAWS = Laws("tracker")
"""The laws of a tracker, in the order of a run; each takes a tracker and the run folder."""


def check_tracker(tracker: Tracker, folder: Path | None = None) -> None:
    """Check every law of a tracker, which hears one whole run.

    Args:
        tracker: a new tracker, without a run so far.
        folder: the folder of the run; a temporary one by default.

    Raises:
        BrokenLawError: the first law that does not hold.
    """
    with tempfile.TemporaryDirectory() as temporary:
        TRACKER_LAWS.check(tracker, folder or Path(temporary))


def run_info(folder: Path) -> RunInfo:
    """Return the plain data of a run of ten steps."""
    return RunInfo(
        folder=folder,
        goal=Goal("accuracy", higher_is_better=True),
        config={"seed": 3, "cell": {"features": 8}},
        cell="gru",
        architecture="many_to_one",
        task="parity_check",
        seed=3,
        steps=10,
        tokens_per_step=64,
        num_params=123,
    )


def _training_row(step: int) -> dict[str, Any]:
    """Return a row of training: numbers, a list, an array, and what is not finite."""
    return {
        "step": step,
        "train/loss": 0.5,
        "train/accuracy": 0.25,
        "grads/norm": 1e-30,
        "grads/nonfinite": 0,
        "grads/through_time/log10_norm": [-1.0, -math.inf, math.nan],
        "gates/forget/histogram": np.arange(20),
        "recurrent/lyapunov": [0.1, -0.2],
        "timing/steps_per_second": 100.0,
        "mine/of_a_plugin": math.inf,
    }


@TRACKER_LAWS.add
def interface(tracker: Tracker, folder: Path) -> None:
    """A tracker has the methods start(info), log(row) and finish(summary)."""
    for method in ("start", "log", "finish"):
        require(callable(getattr(tracker, method, None)), f"it has no method {method}")


@TRACKER_LAWS.add
def start(tracker: Tracker, folder: Path) -> None:
    """The method start takes the plain data of a run, changes none of it, and returns nothing."""
    info = run_info(folder)
    before = copy.deepcopy(info)
    require(tracker.start(info) is None, "start returns a value")
    require(info == before, "start changes what it is given")


@TRACKER_LAWS.add
def rows(tracker: Tracker, folder: Path) -> None:
    """The method log takes every row of a run, also unknown keys, arrays and numbers that are not finite."""
    logged = [
        _training_row(5) | {"timing/compile_seconds": 1.5},
        {"step": 5, "eval/loss": 0.4, "eval/accuracy": 0.5},
        _training_row(10),
        {"step": 10, "eval/loss": math.nan, "eval/accuracy": 0.75},
        {"step": 5, "test/loss": 0.4, "test/accuracy": 0.5},
    ]
    for row in logged:
        require(tracker.log(row) is None, "log returns a value")


@TRACKER_LAWS.add
def purity(tracker: Tracker, folder: Path) -> None:
    """The method log changes no row, which other trackers hear too."""
    row = _training_row(10)
    before = copy.deepcopy(row)
    tracker.log(row)
    require(list(row) == list(before), f"the keys of a row became {list(row)}")
    changed = [key for key in row if not np.array_equal(row[key], before[key], equal_nan=True)]
    require(not changed, f"log changes {', '.join(changed)}")


@TRACKER_LAWS.add
def finish(tracker: Tracker, folder: Path) -> None:
    """The method finish takes the summary, changes none of it, and returns nothing."""
    summary = {
        "status": "diverged",
        "reason": "the gradient of recurrence is not finite at step 7",
        "cell": "gru",
        "architecture": "many_to_one",
        "task": "parity_check",
        "seed": 3,
        "metric": "accuracy",
        "higher_is_better": True,
        "chance": 0.5,
        "baseline": "always the same answer",
        "solved_at": 0.99,
        "solved": False,
        "num_params": 123,
        "steps": 6,
        "final": {"step": 5, "eval/loss": 0.4, "eval/accuracy": 0.5},
        "best": {"step": 5, "eval/loss": 0.4, "eval/accuracy": 0.5},
        "test": {"step": 5, "test/loss": 0.4, "test/accuracy": 0.5},
        "seconds": 2.5,
        "compile_seconds": 1.5,
        "steps_per_second": 100.0,
    }
    before = copy.deepcopy(summary)
    require(tracker.finish(summary) is None, "finish returns a value")
    require(summary == before, "finish changes the summary")
