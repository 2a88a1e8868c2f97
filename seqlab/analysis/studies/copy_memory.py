"""How long does a network stay where it remembers nothing? The plateau of the copy memory task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import Learning, medians
from seqlab.analysis.sweep_runs import Told

REACHED, LEFT = 1.05, 0.95
"""The shares of the baseline at which a network has reached the plateau, and below which it has left it."""


class CopyMemory(Learning):
    """Tells of the plateau and of the share of the memoryless baseline that is left in the end."""

    def beside(self, group: Group) -> Mapping[str, str]:
        return {
            "plateau / chance": medians([plateau(run) for run in group.finished]),
            "end / chance": medians([run.score("test") / run.summary["chance"] for run in group.finished]),
        }


def plateau(run: Told) -> float:
    """Return the plateau as a share of the baseline; NaN where a run does not come to one.

    It is the median of the evaluations from the first at `REACHED` or below to the first below `LEFT`. Before
    it, a network has yet to learn that most of what it writes are blanks.
    """
    shares = run.scores / run.summary["chance"]
    reached, left = (int(np.argmax(np.append(shares <= bound, True))) for bound in (REACHED, LEFT))
    return float(np.median(shares[reached:left])) if left > reached else float("nan")
