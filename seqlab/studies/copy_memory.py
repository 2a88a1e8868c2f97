"""How long does a network stay where it remembers nothing? The plateau of the copy memory task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seqlab.studies.learning import Learning, medians
from seqlab.sweeps.groups import Group
from seqlab.sweeps.runs import Told

LEFT = 0.95
"""The share of the baseline below which a network has left the plateau."""


class CopyMemory(Learning):
    """Tells of the plateau and of the share of the memoryless baseline that is left in the end."""

    def beside(self, group: Group) -> Mapping[str, str]:
        return {
            "plateau / chance": medians([plateau(run) / run.summary["chance"] for run in group.finished]),
            "end / chance": medians([run.score("test") / run.summary["chance"] for run in group.finished]),
        }


def plateau(run: Told) -> float:
    """Return the median of the evaluations before the first that is below `LEFT` of the baseline."""
    left = np.flatnonzero(run.scores < LEFT * run.summary["chance"])
    before = run.scores[: left[0]] if len(left) else run.scores
    return float(np.median(before)) if len(before) else float("nan")
