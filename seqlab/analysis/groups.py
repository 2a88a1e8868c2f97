"""Groups of runs that differ in their seed alone: means, intervals and counts."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.sweep_runs import IDENTITY, SweepRun

RESAMPLES = 9999
"""The number of bootstrap resamples."""


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
    def statuses(self) -> dict[str, int]:
        """The number of runs by status."""
        return dict(collections.Counter(run.status for run in self.runs))

    @property
    def scores(self) -> np.ndarray:
        """The deciding metric of each finished run on the test split, `(n,)`, at its best parameters."""
        scores = [run.score("test") for run in self.finished]
        return np.array([score for score in scores if score is not None], float)

    def aggregate(self) -> dict[str, Any]:
        """Return the group's entry of `sweep.json`.

        `n`, the mean and its interval, the median, and the mean of the seconds are over the finished runs.
        `steps_to_solved` is a median over the finished runs that solved the task.
        """
        runs, scores = self.finished, self.scores
        seconds = [run.summary["seconds"] for run in runs if "seconds" in run.summary]
        solved = [run for run in runs if run.summary.get("solved")]
        steps = [run.steps_to_solved for run in solved if run.steps_to_solved is not None]
        summary = runs[0].summary if runs else {}
        return {
            **self.key,
            **{name: summary.get(name) for name in ("metric", "chance", "solved_at")},
            "n": len(runs),
            "statuses": self.statuses,
            "mean": float(scores.mean()) if len(scores) else None,
            "interval_95": interval(scores),
            "median": float(np.median(scores)) if len(scores) else None,
            "solved": len(solved),
            "steps_to_solved": float(np.median(steps)) if steps else None,
            "seconds": float(np.mean(seconds)) if seconds else None,
        }


def group_runs(runs: Sequence[SweepRun], swept: Sequence[str]) -> list[Group]:
    """Group runs, in the order of each group's first run.

    Args:
        runs: the runs.
        swept: the keys, in addition to cell, architecture and task, that distinguish groups.
    """
    groups: dict[str, Group] = {}
    for run in runs:
        names = {name: run.identity[name] for name in IDENTITY if name != "seed"}
        key = names | {key: run.overrides.get(key) for key in swept}
        groups.setdefault(repr(key), Group(key, [])).runs.append(run)
    return list(groups.values())


def interval(scores: np.ndarray) -> list[float] | None:
    """Return the lower and the upper end of the 95 % interval of the mean over runs.

    It does not depend on the order of the runs. Equal scores give an interval of width 0.

    Args:
        scores: one number per run, `(n,)`.

    Returns:
        The ends; None where there are fewer than two runs, or where a number is not finite.
    """
    if len(scores) < 2 or not np.isfinite(scores).all():
        return None
    return [float(end) for end in bootstrap_interval(np.sort(scores), RESAMPLES)]


def bootstrap_interval(values: np.ndarray, num_resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95 % interval of a mean over runs by the percentile bootstrap.

    Args:
        values: `(n, …)`, n at least 2.
        num_resamples: the number of times that n runs are drawn with replacement; the seed is fixed.

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    from scipy.stats import bootstrap  # imported here because it takes a second

    rng = np.random.default_rng(0)
    found = bootstrap((values,), np.mean, axis=0, method="percentile", n_resamples=num_resamples, rng=rng)
    return found.confidence_interval
