"""Calibration error: its definition, and its value where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.metrics.calibration import calibration


def test_it_is_the_mean_gap_of_the_bins():
    draw = np.random.default_rng(0)
    confidences, right = draw.random(300), draw.random(300) < 0.6
    expected = 0.0
    for bin in range(15):
        inside = (confidences > bin / 15) & (confidences <= (bin + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidences[inside].mean())
    assert calibration(confidences, right).error == pytest.approx(expected)


@pytest.mark.parametrize(
    ("confidence", "share", "error"), [(1.0, 1.0, 0.0), (1.0, 0.25, 0.75), (0.0, 0.0, 0.0)]
)
def test_one_bin_has_the_difference_of_confidence_and_accuracy(confidence, share, error):
    right = np.arange(100) < 100 * share
    found = calibration(np.full(100, confidence), right)
    assert found.counts.max() == found.counts.sum() == 100
    assert found.error == pytest.approx(error)
