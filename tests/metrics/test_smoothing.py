"""Smoothed cross-entropy: against optax, by its weights, and in training alone."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tiny_runs import tiny

from seqlab.metrics import smoothed_cross_entropy
from seqlab.runs import build, compose_request
from seqlab.training.evaluation import measure
from seqlab.types import ConfigError, IncompatibleError

B, T, K = 4, 3, 5
LOGITS = jax.random.normal(jax.random.key(0), (B, T, K))
CLASSES = jax.random.randint(jax.random.key(1), (B, T), 0, K)
LABELS = jax.random.bernoulli(jax.random.key(2), 0.4, (B, T, K)).astype(float)
MASK = jnp.arange(T) < jnp.array([[3], [1], [2], [0]])


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_the_loss_of_classes_is_that_of_the_smoothed_targets_of_optax(alpha):
    smooth = optax.losses.smooth_labels(jax.nn.one_hot(CLASSES, K), alpha)
    each = optax.softmax_cross_entropy(LOGITS, smooth)
    found = smoothed_cross_entropy(LOGITS, CLASSES, MASK, alpha)
    np.testing.assert_allclose(found.value, each[MASK].mean(), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_the_loss_of_labels_is_that_of_the_smoothed_pair_of_each(alpha):
    pair = jnp.stack([1 - LABELS, LABELS], axis=-1)
    smooth = optax.losses.smooth_labels(pair, alpha)
    logs = jnp.stack([jax.nn.log_sigmoid(-LOGITS), jax.nn.log_sigmoid(LOGITS)], axis=-1)
    each = -jnp.sum(smooth * logs, axis=(-2, -1))
    found = smoothed_cross_entropy(LOGITS, LABELS, MASK, alpha)
    np.testing.assert_allclose(found.value, each[MASK].mean(), rtol=1e-6)


def test_a_class_of_weight_two_counts_as_two_examples():
    weights = [1.0, 2.0, 1.0, 3.0, 1.0]
    copies = np.array(weights, int)[np.asarray(CLASSES)] * np.asarray(MASK)
    logits, classes = (
        np.repeat(np.asarray(one).reshape(B * T, -1), copies.ravel(), 0) for one in (LOGITS, CLASSES)
    )
    expected = smoothed_cross_entropy(logits, jnp.array(classes[:, 0]), jnp.ones(len(classes), bool))
    found = smoothed_cross_entropy(LOGITS, CLASSES, MASK, class_weights=weights)
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-6)
    terms = [smoothed_cross_entropy(LOGITS[..., k, None], LABELS[..., k, None], MASK).value for k in range(K)]
    found = smoothed_cross_entropy(LOGITS, LABELS, MASK, class_weights=weights)
    np.testing.assert_allclose(found.value, np.dot(weights, terms), rtol=1e-6)


def test_evaluations_report_the_loss_of_the_task():
    program = build(
        compose_request(tiny("python_docs", "many_to_many", "loss=smoothed_cross_entropy"))
    ).program
    batch = jax.jit(program.batch)(jnp.uint32(0), jnp.int32(0), program.task.data)
    logits = jax.random.normal(jax.random.key(0), (*batch.targets.shape, program.network.outputs.size))
    training, evaluation, plain = (
        measure(program.task, program.network, logits, batch, measures)["loss"].value
        for measures in (program.measures, program.measures.of_evaluation, type(program.measures)())
    )
    assert evaluation == plain != training


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (
            ["loss.label_smoothing=1"],
            ConfigError,
            "loss.label_smoothing must be at least 0 and below 1",
        ),
        (["loss.class_weights=[1, 2]"], ConfigError, "loss.class_weights must be null or "),
        (["loss.class_weights=[0, 1]"], ConfigError, " positive numbers, got (0, 1)"),
        (["loss.smoothing=0.1"], ConfigError, "legal keys of loss are label_smoothing, class_weights"),
        (
            ["loss=task", "loss.label_smoothing=0.1"],
            ConfigError,
            "(loss.label_smoothing is a key of loss=smoothed_cross_entropy)",
        ),
        (["task=adding", "architecture=many_to_one"], IncompatibleError, "loss does not fit task adding"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_key(words, error, message):
    with pytest.raises(error) as caught:
        build(compose_request(["task=python_docs", "loss=smoothed_cross_entropy", *words]))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
