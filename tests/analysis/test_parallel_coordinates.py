"""Axes of parallel coordinates: every run crosses them at its value."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.analysis.parallel_coordinates import axis


@pytest.mark.parametrize(
    ("values", "places", "ticks"),
    [
        ([1e-4, 1e-2, 1e-3, 1e-4], [0, 1, 0.5, 0], {"0.0001": 0, "0.001": 0.5, "0.01": 1}),
        ([1e-3, 3e-3, 9e-3], [0, 0.5, 1], {"0.001": 0, "0.003": 0.5, "0.009": 1}),
        ([16, 64, 32], [0, 1, 0.5], {"16": 0, "32": 0.5, "64": 1}),
        ([2, 4, 3.5], [0, 1, 0.75], {"2": 0, "3.5": 0.75, "4": 1}),
        ([-1, 0, 99], [0, 0.01, 1], {"-1": 0, "99": 1}),
        (["gru", "lstm", "elman"], [0, 0.5, 1], {"gru": 0, "lstm": 0.5, "elman": 1}),
        ([1.0, None, 10.0], [0, 0.5, 1], {"1": 0, "null": 0.5, "10": 1}),
        ([True, False], [0, 1], {"True": 0, "False": 1}),
        ([7, 7], [0.5, 0.5], {"7": 0.5}),
    ],
)
def test_an_axis_places_values_by_size_or_in_order(values, places, ticks):
    told = axis(values)
    np.testing.assert_allclose(told.places, places, atol=1e-12)
    assert told.ticks == pytest.approx(ticks)
