"""Interpolated Witten–Bell n-gram models."""

import itertools

import numpy as np
import pytest

from seqlab.tasks.text._ngrams import ngram_probabilities


def test_a_worked_example():
    # Train a a b, V = 2. Order 0: c(a) = 2, d = 2 of N = 3, so p(a) = (2 + 2·½) / (3 + 2) = 3/5.
    # Order 1: after a came a and b, so p(a | a) = (1 + 2·3/5) / (2 + 2) = 11/20; after b came nothing.
    orders = ngram_probabilities(np.array([0, 0, 1]), np.array([0, 0, 1, 0]), size=2, max_order=1)
    np.testing.assert_allclose(orders[0], [3 / 5, 3 / 5, 2 / 5, 3 / 5])
    np.testing.assert_allclose(orders[1], [3 / 5, 11 / 20, 9 / 20, 3 / 5])


@pytest.mark.parametrize("order", range(4))
def test_probabilities_sum_to_one_after_every_context(order):
    size = 4
    train = np.random.default_rng(0).integers(0, size - 1, 60)  # the last symbol is never seen
    for context in itertools.product(range(size), repeat=order):
        total = sum(
            ngram_probabilities(train, np.array([*context, symbol]), size, order)[order, -1]
            for symbol in range(size)
        )
        assert total == pytest.approx(1)


def test_order_zero_costs_the_entropy_of_a_long_train_text():
    train = np.random.default_rng(0).choice(3, size=50_000, p=[0.5, 0.3, 0.2])
    shares = np.bincount(train) / len(train)
    entropy = -(shares * np.log2(shares)).sum()
    (probability,) = ngram_probabilities(train, train, size=3, max_order=0)
    assert -np.log2(probability).mean() == pytest.approx(entropy, abs=1e-6)


def test_a_model_that_looks_back_far_enough_knows_a_cycle():
    cycle = np.tile([0, 0, 1], 200)
    bits = -np.log2(ngram_probabilities(cycle, cycle, size=2, max_order=2)).mean(axis=1)
    assert bits[0] == pytest.approx(0.918, abs=0.01)  # the entropy of 1/3
    assert bits[1] == pytest.approx(2 / 3, abs=0.01)  # one bit after each 0
    assert bits[2] < 0.02


def test_a_prediction_sees_only_what_comes_before_it():
    rng = np.random.default_rng(0)
    train, tokens = rng.integers(0, 5, 300), rng.integers(0, 5, 40)
    changed = np.concatenate([tokens[:20], (tokens[20:] + 1) % 5])
    whole, other = (ngram_probabilities(train, text, 5, 3) for text in (tokens, changed))
    np.testing.assert_array_equal(whole[:, :20], other[:, :20])
    assert (whole[:, 20:] != other[:, 20:]).any()
