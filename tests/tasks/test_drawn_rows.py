"""Draws of rows: which are equally probable."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from draws import batch_of
from small_corpora import stand_in

from seqlab.tasks import load_task
from seqlab.tasks._rows import draw_rows

LABELS = np.repeat(np.arange(3), [90, 9, 1]).astype(np.int32)


@pytest.mark.parametrize("seed", range(3))
def test_every_class_is_drawn_equally_often_and_every_row_of_it(seed):
    rows = np.asarray(draw_rows(jax.random.key(seed), 6000, len(LABELS), LABELS))
    np.testing.assert_allclose(np.bincount(LABELS[rows]) / 6000, np.full(3, 1 / 3), atol=0.03)
    counts = np.bincount(rows, minlength=len(LABELS))
    assert counts.min() > 0
    np.testing.assert_allclose(counts[LABELS == 1] / 6000, 1 / 27, atol=0.02)


@pytest.mark.parametrize("task", ["text_classification", "labelled_series"])
def test_a_balanced_task_draws_other_rows_of_training_alone(task):
    plain, balanced = (load_task(task, **stand_in(task), balance=balance) for balance in (False, True))
    key = jax.random.key(0)
    assert (batch_of(plain, key, 64).targets != batch_of(balanced, key, 64).targets).any()
    np.testing.assert_array_equal(
        batch_of(plain, key, 64, "test").targets, batch_of(balanced, key, 64, "test").targets
    )
