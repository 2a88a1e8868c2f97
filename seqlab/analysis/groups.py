"""Groups of runs that differ in their seed alone: means, intervals and counts."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.intervals import interval_95
from seqlab.analysis.sweep_runs import DAMAGED, IDENTITY, SIZES, SweepRun
from seqlab.metrics.ranges import range_of


@dataclasses.dataclass(frozen=True)
class Group:
    """The runs of one cell, architecture and task, and one value of each other swept key.

    Attributes:
        key: these names and values, by key.
        runs: the runs, finished or not.
    """

    key: Mapping[str, Any]
    runs: list[SweepRun]

    @property
    def finished(self) -> list[SweepRun]:
        """The runs that finished, from which all statistics are computed."""
        return [run for run in self.runs if run.is_finished]

    @property
    def planned(self) -> list[SweepRun]:
        """The runs that could have finished: all but those that do not fit, and those that were pruned."""
        return [run for run in self.runs if run.status not in ("incompatible", "pruned")]

    @property
    def diverged(self) -> list[SweepRun]:
        """The runs whose parameters ceased to be finite."""
        return [run for run in self.runs if run.status == "diverged"]

    @property
    def statuses(self) -> dict[str, int]:
        """The number of runs by status."""
        return dict(collections.Counter(run.status for run in self.runs))

    @property
    def scores(self) -> np.ndarray:
        """The deciding metric of each finished run on the test split, `(n,)`, at its best parameters."""
        scores = [run.score("test") for run in self.finished]
        return np.array([score for score in scores if score is not None], float)

    def size(self, name: str) -> int | None:
        """Return one of `SIZES`, which is the same for all runs; None where no run has told it."""
        return next((run.summary[name] for run in self.runs if name in run.summary), None)

    @property
    def metric(self) -> str | None:
        """The name of the deciding metric; None where no run has told it."""
        return next((run.summary["metric"] for run in self.runs if "metric" in run.summary), None)

    @property
    def interval_95(self) -> list[float] | None:
        """The ends of the 95 % interval of the mean of the scores, within the range of the metric."""
        return interval_95(self.scores, range_of(str(self.metric)))

    def aggregate(self) -> dict[str, Any]:
        """Return the group's entry of `sweep.json`.

        The mean and its interval, the median, and the mean of the seconds are over the `n` finished runs.
        `solved` is of the `planned` runs, so a run that diverged did not solve its task. `steps_to_solved` is
        a median over the finished runs that did.
        """
        runs, scores = self.finished, self.scores
        seconds = [run.summary["seconds"] for run in runs if "seconds" in run.summary]
        solved = [run for run in runs if run.summary.get("solved")]
        steps = [run.steps_to_solved for run in solved if run.steps_to_solved is not None]
        summary = next((run.summary for run in (*runs, *self.diverged) if "metric" in run.summary), {})
        return {
            **self.key,
            **{name: summary.get(name) for name in ("metric", "chance", "solved_at")},
            "n": len(runs),
            "planned": len(self.planned),
            "statuses": self.statuses,
            "mean": float(scores.mean()) if len(scores) else None,
            "interval_95": self.interval_95,
            "median": float(np.median(scores)) if len(scores) else None,
            "solved": len(solved),
            "steps_to_solved": float(np.median(steps)) if steps else None,
            "seconds": float(np.mean(seconds)) if seconds else None,
            **{name: self.size(name) for name in SIZES},
        }


def group_runs(runs: Sequence[SweepRun], swept: Sequence[str]) -> list[Group]:
    """Group runs, in the order of each group's first run. Damaged ones belong to none.

    Of runs of one group and seed the first one counts.

    Args:
        runs: the runs.
        swept: the keys, in addition to cell, architecture and task, that distinguish groups.
    """
    groups: dict[str, Group] = {}
    for run in (run for run in runs if run.status != DAMAGED):
        names = {name: run.identity[name] for name in IDENTITY if name != "seed"}
        key = names | {key: run.overrides.get(key) for key in swept}
        group = groups.setdefault(repr(key), Group(key, []))
        if run.identity["seed"] not in [other.identity["seed"] for other in group.runs]:
            group.runs.append(run)
    return list(groups.values())
