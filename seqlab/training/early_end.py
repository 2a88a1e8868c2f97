"""Reasons for which a run ends before its last step: its patience is over, or its metric is good enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from seqlab.tracking import RunInfo
from seqlab.training.evaluations import Evaluations
from seqlab.training.settings import SOLVED, Training
from seqlab.types import Reference


def early_end(
    training: Training, info: RunInfo, evaluations: Evaluations, reference: Callable[[], Reference]
) -> str | None:
    """Return why a run ends after its last evaluation; None for a run that goes on.

    Args:
        training: its settings.
        info: the plain facts of the run.
        evaluations: its evaluations.
        reference: returns what they are compared with.
    """
    key, best, limit = info.goal_key, evaluations.best, training.stop_at
    if best is not None and limit is not None:
        threshold = reference()
        if not isinstance(limit, str):
            threshold = dataclasses.replace(threshold, threshold=limit)
        if threshold.is_solved(best[key], info.goal.higher_is_better):
            at = "solved_at" if limit == SOLVED else "training.stop_at"
            return f"{key}={best[key]:g} at step {best['step']} reaches {at}={threshold.threshold:g}"
    if training.patience and evaluations.num_since_best >= training.patience:
        return f"the last {training.patience} evaluations brought no better {key}"
    return None
