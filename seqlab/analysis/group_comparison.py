"""Comparison of two groups of runs: effect size, interval and test, in words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.intervals import difference_95
from seqlab.analysis.panels import PANEL, kinds, panels
from seqlab.tracking.lines import number

ALPHA = 0.05
"""The level of the tests."""

POWER = 0.8
"""The probability with which the stated number of seeds would tell a true difference of the size seen."""


class Comparison(NamedTuple):
    """Two groups of runs, of which the first has the better mean score.

    Attributes:
        difference: the mean score of the first minus that of the second, over finished runs.
        interval: the ends of its 95 % interval by Welch's t; None where a group has fewer than two scores.
        superiority: the probability that a run of the first is better than one of the second; ties count half
            and a run that diverged is worse than any that finished.
        p: the p value of a permutation test of `superiority`, two-sided.
        seeds: the number of runs of each group.
        needed: the runs of each group that would tell the difference apart; None where it is 0 or unknown.
    """

    difference: float
    interval: list[float] | None
    superiority: float
    p: float
    seeds: tuple[int, int]
    needed: int | None


def compare(first: Group, second: Group, higher_is_better: bool) -> Comparison:
    """Compare two groups by the test scores of their runs, finished or diverged.

    Source: Mann & Whitney 1947, "On a test of whether one of two random variables is stochastically larger
    than the other"; Vargha & Delaney 2000, "A critique and improvement of the CL common language effect size
    statistics".
    """
    from scipy.stats import (
        PermutationMethod,
        mannwhitneyu,
    )  # imported here because it takes a second

    a, b = first.scores, second.scores
    sign = 1 if higher_is_better else -1
    x, y = (np.append(sign * group.scores, [-math.inf] * len(group.diverged)) for group in (first, second))
    exact: Any = PermutationMethod(n_resamples=9999, rng=np.random.default_rng(0))
    test = mannwhitneyu(x, y, method=exact)
    return Comparison(
        difference=float(a.mean() - b.mean()),
        interval=difference_95(b, a),
        superiority=float(test.statistic) / (len(x) * len(y)),
        p=float(test.pvalue),
        seeds=(len(x), len(y)),
        needed=_needed(a, b),
    )


def comparisons(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Compare the best group on each problem with each of the others, if of two runs at least.

    Groups work on one problem if they share the task with all its swept keys, and the architecture.

    Returns:
        An entry for each pair: `task` and `architecture`, the labels `better` and `worse`, the fields of
        `Comparison`, `p_corrected` for the pairs of this task and architecture, `seeds_needed` of
        each group for any of these pairs to be significant, and the `verdict`.
    """
    found: list[dict[str, Any]] = []
    shown = panels(groups)
    coloured = kinds(shown)
    for panel in shown:
        tested = [group for group in panel.ranked if len(group.finished) + len(group.diverged) > 1]
        rivals = [(best, other) for best, *others in _problems(tested) for other in others]
        pairs = [compare(*two, panel.higher_is_better) for two in rivals]
        for (best, other), pair, p in zip(rivals, pairs, corrected([pair.p for pair in pairs]), strict=True):
            names = coloured.label(best), coloured.label(other)
            found.append(
                {
                    **{key: best.key[key] for key in PANEL},
                    **dict(zip(("better", "worse"), names, strict=True)),
                    **pair._asdict(),
                    "p_corrected": p,
                    "seeds_needed": fewest_seeds(len(pairs)),
                    "verdict": verdict(*names, pair, p, len(pairs)),
                }
            )
    return found


def _problems(groups: Sequence[Group]) -> list[list[Group]]:
    """Return the groups of each problem, in their order."""
    found: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        keys = (key for key in group.key if key.startswith(("task.", "task/")))
        found.setdefault(tuple(str(group.key[key]) for key in keys), []).append(group)
    return list(found.values())


def corrected(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number.

        p'_(i) = max_{j ≤ i} min(1, (m − j + 1) p_(j)),  p_(1) ≤ … ≤ p_(m)

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    found = np.empty(len(order))
    found[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return found.tolist()


def verdict(first: str, second: str, found: Comparison, p: float, num_comparisons: int) -> str:
    """Return a comparison in one sentence.

    Args:
        first: the name of the first group.
        second: the name of the second group.
        found: their comparison.
        p: its p value, corrected for the number of comparisons.
        num_comparisons: this number.
    """
    size = number(abs(found.difference), 3)
    if found.interval is not None:
        ends = sorted(found.interval if found.difference >= 0 else [-end for end in found.interval])
        size += f" [{', '.join(number(end, 3) for end in ends)}]"
    one, other = found.seeds
    seeds = f"{one} seeds each" if one == other else f"{one} and {other} seeds"
    evidence = f"{size}, p = {p:.2g}, {seeds}, probability of superiority {found.superiority:.2f}"
    if p < ALPHA:
        return f"{first} beats {second} by {evidence}"
    more = f"; about {found.needed} seeds each would detect the difference" if found.needed else ""
    if not can_decide(found.seeds, num_comparisons):
        more = f"; {seeds} can never reach significance{more}"
    return (
        f"{first} and {second} do not differ significantly: the mean of {first} is better by {evidence}{more}"
    )


def can_decide(seeds: tuple[int, int], num_comparisons: int) -> bool:
    """Return whether the lowest corrected p value of two groups with these numbers of runs is significant."""
    one, other = seeds
    return num_comparisons * 2 / math.comb(one + other, one) < ALPHA


def fewest_seeds(num_comparisons: int) -> int:
    """Return the least number of runs of each group with which a comparison can be significant."""
    return next(n for n in itertools.count(1) if can_decide((n, n), num_comparisons))


def _needed(a: np.ndarray, b: np.ndarray) -> int | None:
    """Return n = 2 ((z_{1−α/2} + z_power) s / d)², at least 4, for a pooled deviation s, a difference d."""
    from scipy.stats import norm

    if min(len(a), len(b)) < 2 or not (difference := float(a.mean() - b.mean())):
        return None
    variance = float(a.var(ddof=1) + b.var(ddof=1)) / 2
    quantiles = float(norm.ppf(1 - ALPHA / 2) + norm.ppf(POWER))
    return max(4, math.ceil(2 * quantiles**2 * variance / difference**2))
