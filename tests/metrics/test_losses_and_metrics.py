"""Losses and metrics: their definitions by hand, and their sums over batches."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from seqlab import metrics
from seqlab.metrics import loss
from seqlab.types import Batch, Gaussians, Labels, Tokens, Transcript, Vectors

B, T, V = 4, 5, 3
generator = np.random.default_rng(0)


def tokens():
    predictions = jnp.asarray(generator.normal(size=(B, T, V)), jnp.float32)
    targets = jnp.asarray(generator.integers(0, V, (B, T)), jnp.int32)
    return predictions, Batch(None, targets, jnp.asarray(generator.random((B, T)) < 0.6))


def vectors():
    predictions = jnp.asarray(generator.normal(size=(B, T, V)), jnp.float32)
    targets = jnp.asarray(generator.normal(size=(B, T, V)), jnp.float32)
    return predictions, Batch(None, targets, jnp.asarray(generator.random((B, T)) < 0.6))


def labels():
    predictions, batch = vectors()
    return predictions, batch._replace(targets=(batch.targets > 0).astype(jnp.float32))


def gaussians():
    predictions, batch = vectors()
    spread = jnp.asarray(generator.normal(size=(B, T, V)), jnp.float32)
    return jnp.concatenate([predictions, spread], axis=-1), batch


DRAW = {"mse": vectors, "mae": vectors, "mase": vectors, "frame_accuracy": labels}
DRAW |= {"crps": gaussians, "coverage_90": gaussians}
"""What a metric is of, where it is not of tokens."""


def integrated_crps(cdf, y):
    """Return the mean over features of ∫ (F(x) − 1[x ≥ y])² dx, the definition of the score."""
    x = np.linspace(-20, 20, 400001)[:, None]
    return np.mean(np.sum((cdf(x) - (x >= y)) ** 2, axis=0) * (x[1] - x[0]))


def by_hand(name, predictions, batch):
    values, whole = [], []
    for b in range(B):
        kept = []
        for t in range(T):
            if batch.mask[b, t]:
                p, y = np.asarray(predictions[b, t], np.float64), np.asarray(batch.targets[b, t])
                if name in ("loss", "cross_entropy", "bits_per_character", "bits_per_byte"):
                    nats = np.log(np.exp(p).sum()) - p[y]
                    values.append(nats / np.log(2) if name.startswith("bits") else nats)
                elif name in ("accuracy", "sequence_accuracy"):
                    values.append(float(np.argmax(p) == y))
                    kept.append(values[-1])
                elif name in ("density", "crps", "coverage_90"):
                    mean, deviation = p[:V], np.log1p(np.exp(p[V:])) + 1e-4
                    predicted = scipy.stats.norm(mean, deviation)
                    if name == "density":
                        values.append(-predicted.logpdf(y).mean())
                    elif name == "crps":
                        values.append(integrated_crps(predicted.cdf, y))
                    else:
                        low, high = predicted.interval(0.9)
                        values.append(((low <= y) & (y <= high)).mean())
                elif name == "mse":
                    values.append(np.mean((p - y) ** 2))
                elif name in ("mae", "mase"):
                    values.append(np.mean(np.abs(p - y)))
                elif name == "binary":
                    told = 1 / (1 + np.exp(-p))
                    values.append(-np.log(np.where(y == 1, told, 1 - told)).sum())
                elif name == "frame_accuracy":
                    values += [float(a == b) for a, b in zip(p > 0, y, strict=True) if a or b]
        if kept:
            whole.append(min(kept))
    return np.mean(whole if name == "sequence_accuracy" else values)


@pytest.mark.parametrize("name", sorted(metrics.METRICS))
def test_metric_equals_its_definition(name):
    predictions, batch = DRAW.get(name, tokens)()
    value = metrics.metric(name, predictions, batch).value
    tolerance = 1e-4 if name == "crps" else 1e-5  # by hand it is an integral
    np.testing.assert_allclose(value, by_hand(name, predictions, batch), rtol=tolerance)


@pytest.mark.parametrize(
    ("spec", "draw", "name"),
    [
        (Tokens(V), tokens, "loss"),
        (Vectors(V), vectors, "mse"),
        (Labels(V), labels, "binary"),
        (Gaussians(V), gaussians, "density"),
    ],
)
def test_loss_is_that_of_the_output_spec(spec, draw, name):
    predictions, batch = draw()
    value = metrics.loss(spec, predictions, batch).value
    np.testing.assert_allclose(value, by_hand(name, predictions, batch), rtol=1e-5)


@pytest.mark.parametrize("name", sorted(metrics.METRICS))
def test_batches_add_up(name):
    predictions, batch = DRAW.get(name, tokens)()
    parts = [
        metrics.metric(name, predictions[rows], jax.tree.map(lambda leaf, rows=rows: leaf[rows], batch))
        for rows in (slice(0, 1), slice(1, B))
    ]
    total = jax.tree.map(jnp.add, *parts)
    np.testing.assert_allclose(total.value, metrics.metric(name, predictions, batch).value, rtol=1e-5)


@pytest.mark.parametrize("name", ["mse", "mae"])
def test_points_of_a_gaussian_are_its_means(name):
    predictions, batch = gaussians()
    found = [metrics.metric(name, some, batch).value for some in (predictions, predictions[..., :V])]
    assert found[0] == found[1]


def test_masked_out_positions_have_no_gradient():
    predictions, batch = tokens()
    gradient = jax.grad(lambda p: metrics.loss(Tokens(V), p, batch).value)(predictions)
    np.testing.assert_array_equal(jnp.any(gradient != 0, axis=-1), batch.mask)


@pytest.mark.parametrize(("num_steps", "expected"), [(2, np.inf), (3, 3 * np.log(3))])
def test_a_transcript_that_its_steps_cannot_spell_has_no_probability(num_steps, expected):
    """Two equal symbols take a blank between them; in three steps one path of 27 spells them."""
    batch = Batch(jnp.zeros((1, num_steps, 1)), jnp.zeros((1, 2), jnp.int32), jnp.ones((1, 2), bool))
    found = loss(Transcript(2), jnp.zeros((1, num_steps, 3)), batch)
    np.testing.assert_allclose(found.total, expected, rtol=1e-6)
