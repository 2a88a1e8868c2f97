"""Schedules and optimisers, compared with their definitions."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.registry import settings_of
from seqlab.runs.optimizer import make_optimizer
from seqlab.training import warmup_cosine


@pytest.mark.parametrize(("warmup", "steps"), [(0, 3), (1, 4), (4, 10)])
def test_a_warm_up_begins_above_zero_and_a_cosine_follows(warmup, steps):
    schedule = warmup_cosine(warmup, steps, end_value=0.1)
    fall = (1 + np.cos(np.pi * np.arange(steps - warmup) / (steps - warmup))) / 2
    expected = [*(np.arange(1, warmup + 1) / max(warmup, 1)), *(0.1 + 0.9 * fall)]
    np.testing.assert_allclose([schedule(step) for step in range(steps)], expected, rtol=1e-6)


@pytest.mark.parametrize(("warmup", "steps"), [(100, 100), (100, 50), (-1, 5), (1.5, 5)])
def test_a_warm_up_longer_than_the_run_or_no_number_of_updates_is_refused(warmup, steps):
    with pytest.raises(ValueError, match=r"^warmup_steps"):
        warmup_cosine(warmup, steps)


@pytest.mark.parametrize(("share", "steps", "warmup"), [(0.1, 40, 4), (0.1, 2, 0)])
def test_a_warm_up_may_be_a_share_of_the_run(share, steps, warmup):
    by_share, by_steps = (warmup_cosine(value, steps) for value in (share, warmup))
    assert [by_share(step) for step in range(steps)] == [by_steps(step) for step in range(steps)]


@pytest.mark.parametrize("size", [1e-6, 1.0])
def test_rmsprop_divides_by_the_root_and_then_adds_eps(size):
    """As PyTorch does; gradients far below √ε take whole steps too."""
    config = {
        "optimizer": settings_of("optimizer", "rmsprop"),
        "schedule": settings_of("schedule", "constant"),
    }
    optimizer = make_optimizer(config)
    gradients = jnp.array([size, -3 * size])
    state = optimizer.init(gradients)
    mean_square = np.zeros(2)
    for _ in range(3):
        updates, state = optimizer.update(gradients, state)
        mean_square = 0.9 * mean_square + 0.1 * np.square(np.asarray(gradients))
        expected = -0.001 * np.asarray(gradients) / (np.sqrt(mean_square) + 1e-8)
        np.testing.assert_allclose(updates, expected, rtol=1e-5)
