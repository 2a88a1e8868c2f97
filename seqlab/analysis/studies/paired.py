"""Study of two settings with the same seeds: which solves the task sooner, by a sign test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import distinguishing, learning_summary, read_groups
from seqlab.analysis.studies.study import Study
from seqlab.analysis.sweep_runs import SweepRun
from seqlab.types import ConfigError


class Signs(NamedTuple):
    """Counts of pairs by the side that was sooner, and the p value of a sign test.

    Attributes:
        first: pairs whose first run solved the task in fewer steps.
        second: pairs whose second run did.
        ties: pairs that solved it at the same evaluation, or not at all.
        p: the p value of the two-sided sign test without the ties.
        interval: the ends of the 95 % interval of the probability that the second is sooner, without the
            ties, by Clopper and Pearson.
    """

    first: int
    second: int
    ties: int
    p: float
    interval: tuple[float, float]


class Paired(Study):
    """Compares the two groups of a sweep, seed by seed, by their steps to solved."""

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        figure, table = learning_summary(sweep)
        groups = read_groups(sweep)
        if len(groups) != 2:
            raise ConfigError(f"a paired study compares two groups of runs, got {len(groups)}")
        signs = compare(*groups)
        first, second = (", ".join(f"{k} {v}" for k, v in distinguishing(g, groups).items()) for g in groups)
        low, high = signs.interval
        return figure, (
            f"{table}\n\nSeeds that solve the task sooner with {first}: {signs.first}; with {second}: "
            f"{signs.second}; as soon with both: {signs.ties}. By the two-sided sign test, "
            f"p = {signs.p:.2g}. Of the seeds with a difference, the probability that {second} is sooner has "
            f"the 95 % interval [{low:.2f}, {high:.2f}]."
        )


def compare(first: Group, second: Group) -> Signs:
    """Compare the runs of two groups that share a seed.

    A run that never solves the task, or that diverged, is the later one.
    """
    of_first, of_second = (
        {run.identity["seed"]: run for run in (*group.finished, *group.diverged)} for group in (first, second)
    )
    wins = [
        _sooner(_steps(of_first[seed]), _steps(of_second[seed]))
        for seed in of_first.keys() & of_second.keys()
    ]
    return Signs(wins.count(1), wins.count(-1), wins.count(0), *_sign_test(wins))


def _steps(run: SweepRun) -> float:
    steps = run.steps_to_solved if run.is_finished else None
    return math.inf if steps is None else steps


def _sooner(first: float, second: float) -> int:
    return (first < second) - (first > second)


def _sign_test(wins: Sequence[int]) -> tuple[float, tuple[float, float]]:
    """Return the p value, and the interval of the probability that the second wins a pair that is decided."""
    from scipy.stats import binomtest

    lost, decided = wins.count(-1), len(wins) - wins.count(0)
    if not decided:
        return 1.0, (0.0, 1.0)
    test = binomtest(lost, decided)
    ends = test.proportion_ci(method="exact")
    return float(test.pvalue), (float(ends.low), float(ends.high))
