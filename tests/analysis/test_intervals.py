"""Intervals of means cover the mean as often as they claim, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from seqlab.analysis.intervals import difference_95, interval

BATCHES, SIMULATIONS = 10, 200
DISTRIBUTIONS = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0),
    "lognormal": (lambda rng, size: rng.lognormal(size=size), np.exp(0.5)),
}


@pytest.mark.parametrize(
    ("name", "n", "least"),
    [
        ("normal", 3, 0.93),
        ("normal", 5, 0.93),
        ("normal", 10, 0.93),
        ("lognormal", 5, 0.88),
        ("lognormal", 10, 0.88),
    ],
)
def test_covers_the_mean(name, n, least):
    draw, mean = DISTRIBUTIONS[name]
    rng = np.random.default_rng(1)
    found = [interval(draw(rng, (n, SIMULATIONS)), 1999) for _ in range(BATCHES)]
    assert np.mean([(low <= mean) & (mean <= high) for low, high in found]) >= least


def test_of_few_values_is_that_of_student():
    values = np.array([0.3, 0.1, 0.7])
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(interval(values), expected, rtol=1e-12)


@pytest.mark.parametrize("n", [3, 40])
def test_does_not_depend_on_the_order_and_scales_with_the_values(n):
    values = np.random.default_rng(0).normal(size=n)
    low, high = interval(values)
    assert low < values.mean() < high
    assert interval(values[::-1]) == (low, high)
    np.testing.assert_allclose(interval(3 * values + 1), (3 * low + 1, 3 * high + 1), rtol=1e-9)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, np.inf], [0.5, np.nan]])
def test_there_is_none_of_one_value_or_of_values_that_are_not_finite(values):
    assert interval(np.array(values)) is None


@pytest.mark.parametrize("n", [2, 7])
def test_equal_values_give_width_zero(n):
    np.testing.assert_allclose(interval(np.full(n, 0.1)), (0.1, 0.1), rtol=1e-12)


@pytest.mark.parametrize("n", [3, 6])
def test_a_band_is_an_interval_at_every_step(n):
    curves = np.random.default_rng(0).normal(size=(n, 3))
    bands = np.stack(interval(curves, 500))
    for column in range(3):
        np.testing.assert_allclose(bands[:, column], interval(curves[:, column], 500), rtol=1e-12)


def test_the_interval_of_a_difference_is_that_of_welch():
    one, other = np.array([0.1, 0.4, 0.2]), np.array([0.5, 0.9, 0.4, 0.6])
    expected = scipy.stats.ttest_ind(other, one, equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(difference_95(one, other), expected, rtol=1e-9)
    assert difference_95(one[:1], other) is None
    assert difference_95(np.ones(2), np.full(3, 3.0)) == [2, 2]
