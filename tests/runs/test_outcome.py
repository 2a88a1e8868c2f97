"""Cost that a search minimises."""

import math

import pytest

from seqlab.runs.outcome import cost


@pytest.mark.parametrize(("higher_is_better", "expected"), [(True, -0.75), (False, 0.75)])
def test_cost_falls_as_the_metric_gets_better(higher_is_better, expected):
    best = {"step": 3, "eval/score": 0.75}
    assert cost({"metric": "score", "higher_is_better": higher_is_better, "best": best}) == expected


def test_cost_of_a_run_that_was_never_evaluated_is_nan():
    assert math.isnan(cost({"metric": "score", "higher_is_better": True}))


def test_cost_is_nan_where_an_older_summary_tells_no_direction():
    assert math.isnan(cost({"metric": "score", "best": {"step": 3, "eval/score": 0.75}}))
