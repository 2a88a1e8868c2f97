"""Study of the copy memory task: the plateau at which a network remembers nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import learning_summary, medians
from seqlab.analysis.studies.study import Study
from seqlab.analysis.sweep_runs import SweepRun

REACHED, LEFT = 1.05, 0.95
"""Shares of the baseline: at the first a network has reached the plateau, below the second it has left it."""


class CopyMemory(Study):
    """Reports the plateau and the final score, each as a share of the memoryless baseline."""

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        return learning_summary(sweep, _shares)


def _shares(group: Group) -> dict[str, str]:
    return {
        "plateau / baseline": medians([plateau(run) for run in group.finished]),
        "end / baseline": medians([run.score("test") / run.summary["chance"] for run in group.finished]),
    }


def plateau(run: SweepRun) -> float:
    """Return the plateau as a share of the baseline; NaN where a run has none.

    It is the median of the evaluations from the first at or below `REACHED` to the first below `LEFT`. Before
    it, a network has yet to learn that most of its outputs are blanks.
    """
    shares = run.scores / run.validation["chance"]
    reached, left = (int(np.argmax(np.append(shares <= bound, True))) for bound in (REACHED, LEFT))
    return float(np.median(shares[reached:left])) if left > reached else float("nan")
