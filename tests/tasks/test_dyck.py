"""Dyck languages: brackets of the generator, and its entropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.metrics import loss, metric
from seqlab.tasks import load_task
from seqlab.types import Tokens

SIZES = pytest.mark.parametrize(("num_kinds", "max_depth"), [(1, 1), (2, 3), (3, 2)])


def drawn(task, size):
    """Return a batch and the generator's log-probabilities of what may follow each of its prefixes."""
    batch = batch_of(task, jax.random.key(0), size)
    after = [[task.following(row[:t]) for t in range(task.length)] for row in np.asarray(batch.targets)]
    return batch, jnp.log(jnp.maximum(jnp.array(after), 1e-30))


@SIZES
@pytest.mark.parametrize("curriculum", ["fixed", "uniform"])
def test_the_entropy_in_closed_form_is_the_generators_loss(num_kinds, max_depth, curriculum):
    task = load_task(
        "dyck", length=12, min_length=3, curriculum=curriculum, num_kinds=num_kinds, max_depth=max_depth
    )
    batch, logits = drawn(task, 512)
    surprise = -jnp.take_along_axis(logits, batch.targets[..., None], axis=-1)[..., 0]
    surprise = np.asarray(surprise * batch.mask)
    assert surprise.max() < 3  # every symbol was legal
    steps = np.asarray(batch.mask).sum(axis=1)
    # A ratio of means, whose error is that of the residuals.
    residuals = surprise.sum(axis=1) - steps * task.entropy()
    error = residuals.std() / np.sqrt(512) / steps.mean()
    assert error < 0.03
    np.testing.assert_allclose(
        loss(Tokens(2 * num_kinds + 1), logits, batch).value, task.entropy(), atol=4 * error
    )


@SIZES
def test_no_predictor_is_below_the_entropy_but_the_generator_at_it(num_kinds, max_depth):
    """Weigh every prefix up to a length by its probability: the losses are then exact."""
    task = load_task("dyck", length=4, num_kinds=num_kinds, max_depth=max_depth)
    prefixes, generator, unsure, frequencies = {(): 1.0}, 0.0, 0.0, np.zeros(2 * num_kinds + 1)
    for _ in range(task.length):
        longer = {}
        for prefix, weight in prefixes.items():
            p = task.following(prefix)
            legal = p > 0
            generator -= weight * p[legal] @ np.log(p[legal])
            unsure -= weight * p[legal] @ np.log((0.95 * p + 0.05 / len(p))[legal])
            frequencies += weight * p
            longer |= {(*prefix, symbol): weight * p[symbol] for symbol in np.flatnonzero(legal)}
        prefixes = longer
    frequencies = frequencies[frequencies > 0] / task.length
    chance = task.baselines("test", "many_to_many")["best constant"]
    assert generator / task.length == pytest.approx(task.entropy(), abs=1e-12)
    assert -frequencies @ np.log(frequencies) == pytest.approx(chance, abs=0.05)
    assert task.entropy() < unsure / task.length < chance


def test_without_kinds_a_closing_bracket_costs_the_logarithm_of_their_number():
    task = load_task("dyck", length=12)
    batch, logits = drawn(task, 512)
    closing = logits[..., 2:4]
    blurred = logits.at[..., 2:4].set(jax.nn.logsumexp(closing, axis=-1, keepdims=True) - np.log(2))
    paid = loss(Tokens(5), blurred, batch).value - loss(Tokens(5), logits, batch).value
    baselines = task.baselines("test", "many_to_many")
    assert paid == pytest.approx(baselines["depth without kinds"] - baselines["the generator"], abs=0.03)


def test_closing_accuracy_looks_at_the_kinds_of_closing_brackets_alone():
    task = load_task("dyck", length=12)
    batch, logits = drawn(task, 64)
    closes = (batch.targets == 2) | (batch.targets == 3)
    opening = logits.at[..., :2].add(100.0)  # sure of an opening bracket, but for the kinds of closing ones
    kinds = metric("accuracy", *task.part("closing", opening, batch))
    assert (kinds.value, kinds.weight) == (1, closes.sum())
    swapped = logits.at[..., 2:4].set(logits[..., 3:1:-1])
    assert metric("accuracy", *task.part("closing", swapped, batch)).value == 0
