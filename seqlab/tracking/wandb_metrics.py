"""Charts and summaries of W&B: every key over the optimiser step, and the best value of some."""

from __future__ import annotations

from typing import Any

from seqlab.tracking.gradient_flow import SLOPE
from seqlab.types import Goal

_SUMMARIES = {
    "train/loss": "min,last",
    "eval/loss": "min,last",
    "grads/norm": "min,max,last",
    "grads/clipped": "max,last",
    "grads/nonfinite": "max",
    SLOPE: "min,max,last",
    "updates/ratio": "min,max,last",
}
"""The values that W&B's summary keeps of a key; of any other key it keeps the last."""


def define_metrics(run: Any, goal: Goal) -> None:
    """Let the charts of a W&B run be over `step`, and its summary keep the best of the deciding metric."""
    best = "max" if goal.higher_is_better else "min"
    of_goal = {f"train/{goal.metric}": f"{best},last", f"eval/{goal.metric}": best}
    run.define_metric("step")
    run.define_metric("*", step_metric="step")
    for key, summary in {**_SUMMARIES, **of_goal}.items():
        run.define_metric(key, step_metric="step", summary=summary)
