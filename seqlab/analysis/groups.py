"""What did the runs that differ in their seed alone reach together?"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.sweep_runs import IDENTITY, Told

RESAMPLES = 9999
"""How often a bootstrap draws the runs anew."""


@dataclasses.dataclass(frozen=True)
class Group:
    """The runs of one cell, architecture, task and value of every other swept key.

    Attributes:
        key: these names and values.
        runs: the runs, whatever became of them.
    """

    key: Mapping[str, Any]
    runs: list[Told]

    @property
    def finished(self) -> list[Told]:
        """The runs that finished, on which every figure rests."""
        return [run for run in self.runs if run.is_finished]

    @property
    def statuses(self) -> dict[str, int]:
        """The count of runs by how they ended."""
        return dict(collections.Counter(run.status for run in self.runs))

    @property
    def scores(self) -> np.ndarray:
        """The deciding metric of each finished run on the test split, `(n,)`, at its best validation."""
        scores = [run.score("test") for run in self.finished]
        return np.array([score for score in scores if score is not None], float)

    def aggregate(self) -> dict[str, Any]:
        """Return the group's entry of `sweep.json`.

        `n`, the mean with its interval, the median, and the seconds (a mean) are of the finished runs; the
        steps to solved are the median over those of them that solved the task.
        """
        runs, scores = self.finished, self.scores
        seconds = [run.summary["seconds"] for run in runs if "seconds" in run.summary]
        solved = [run for run in runs if run.summary.get("solved")]
        steps = [run.steps_to_solved for run in solved if run.steps_to_solved is not None]
        told = runs[0].summary if runs else {}
        return {
            **self.key,
            **{name: told.get(name) for name in ("metric", "chance", "solved_at")},
            "n": len(runs),
            "statuses": self.statuses,
            "mean": float(scores.mean()) if len(scores) else None,
            "interval_95": interval(scores),
            "median": float(np.median(scores)) if len(scores) else None,
            "solved": len(solved),
            "steps_to_solved": float(np.median(steps)) if steps else None,
            "seconds": float(np.mean(seconds)) if seconds else None,
        }


def grouped(told: Sequence[Told], swept: Sequence[str]) -> list[Group]:
    """Gather runs into groups, in the order in which each group's first run comes.

    Args:
        told: the runs.
        swept: the keys, besides cell, architecture and task, that part the groups.
    """
    groups: dict[str, Group] = {}
    for run in told:
        names = {name: run.identity[name] for name in IDENTITY if name != "seed"}
        key = names | {key: run.overrides.get(key) for key in swept}
        groups.setdefault(repr(key), Group(key, [])).runs.append(run)
    return list(groups.values())


def interval(scores: np.ndarray) -> list[float] | None:
    """Return the 95 % interval of the mean over runs, its lower and upper end.

    It does not depend on the order of the runs, and equal scores give an interval of no width.

    Args:
        scores: a number a run, `(n,)`.

    Returns:
        None where fewer than two runs, or a number that is not finite, leave nothing to tell.
    """
    if len(scores) < 2 or not np.isfinite(scores).all():
        return None
    return [float(end) for end in bootstrapped(np.sort(scores), RESAMPLES)]


def bootstrapped(values: np.ndarray, num_resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95 % interval of a mean over runs, by the percentile bootstrap.

    Args:
        values: `(n, …)`, n at least 2.
        num_resamples: how often n runs are drawn anew, with replacement, from always the same key.

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    from scipy.stats import bootstrap  # a second, spared to every command that ends no sweep

    drawn = {"n_resamples": num_resamples, "rng": np.random.default_rng(0)}
    found = bootstrap((values,), np.mean, axis=0, method="percentile", **drawn)
    return found.confidence_interval
