"""Confidence intervals of means over runs."""

from __future__ import annotations

import numpy as np

EVERY_NUMBER = (-np.inf, np.inf)
"""The range of a score whose least and largest value are not known."""

RESAMPLES = 9999
"""The number of bootstrap resamples."""

FEWEST = 5
"""The fewest values that are resampled; fewer do not represent a distribution."""

LEVEL = 0.95
"""How often an interval is to cover the mean."""


def interval(values: np.ndarray, num_resamples: int = RESAMPLES) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the ends of the 95 % interval of a mean over runs.

        m − q_{.975} s / √n  …  m − q_{.025} s / √n

    m and s are the mean and the standard deviation of the n values. The q are quantiles of Student's t with
    n − 1 degrees of freedom, or of (m* − m) √n / s* over bootstrap resamples (bootstrap-t): at each end those
    that make the interval wider. Fewer than `FEWEST` values are not resampled. The interval does not depend
    on the order of the values; equal values give width 0. `tests/analysis/test_intervals.py` simulates how
    often it covers the mean.

    Args:
        values: `(n, …)`, one along the first axis for each run.
        num_resamples: how often n values are drawn with replacement; the seed is fixed.

    Returns:
        The ends, each `(…)`; None where n is below 2 or a value is not finite.

    Source: Efron & Tibshirani 1993, "An introduction to the bootstrap", section 12.5.
    """
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    values = np.sort(np.asarray(values, float), axis=0)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    low, high = _student(len(values))
    if len(values) >= FEWEST:
        resampled_low, resampled_high = _bootstrap_t(values, num_resamples)
        low, high = np.minimum(low, resampled_low), np.maximum(high, resampled_high)
    return values.mean(axis=0) - high * error, values.mean(axis=0) - low * error


def interval_95(scores: np.ndarray, legal: tuple[float, float] = EVERY_NUMBER) -> list[float] | None:
    """Return the ends of `interval` for scores `(n,)`, as plain numbers for a file.

    Args:
        scores: the scores.
        legal: the least and the largest possible score; the interval ends there.
    """
    ends = interval(scores)
    return None if ends is None else [float(end) for end in np.clip(ends, *legal)]


def difference_95(one: np.ndarray, other: np.ndarray) -> list[float] | None:
    """Return the ends of the 95 % interval of the mean of `other` minus that of `one`, by Welch's t.

    Args:
        one: scores, `(n,)`.
        other: scores, `(m,)`.

    Returns:
        The ends; None where n or m is below 2 or a score is not finite.

    Source: Welch 1947, "The generalization of 'Student's' problem when several different population variances
    are involved".
    """
    from scipy.special import stdtrit

    if min(len(one), len(other)) < 2 or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return None
    difference = float(other.mean() - one.mean())
    parts = np.array([scores.var(ddof=1) / len(scores) for scores in (one, other)])
    if not parts.sum():
        return [difference, difference]
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(one), len(other)]) - 1)).sum()
    width = float(stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(parts.sum()))
    return [difference - width, difference + width]


def _student(n: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import stdtrit  # `scipy.stats` has it too, and takes half a second to import

    quantile = np.asarray(stdtrit(n - 1, (1 + LEVEL) / 2))
    return -quantile, quantile


def _bootstrap_t(values: np.ndarray, num_resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the two quantiles of the statistic over resamples that are not constant; 0 where none is."""
    drawn = values[np.random.default_rng(0).integers(len(values), size=(num_resamples, len(values)))]
    error = drawn.std(axis=1, ddof=1) / np.sqrt(len(values))
    constant = error <= 1e-12 * np.abs(values).max(axis=0)
    statistic = (drawn.mean(axis=1) - values.mean(axis=0)) / np.where(constant, np.nan, error)
    statistic = np.where(np.isnan(statistic).all(axis=0), 0, statistic)
    low, high = np.nanquantile(statistic, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high
