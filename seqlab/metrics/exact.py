"""Exact metrics: means over positions or sequences that add up over batches."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from seqlab.metrics.gaussians import covered, ranked_probability_score
from seqlab.metrics.losses import cross_entropy, squared_error
from seqlab.metrics.mean import Mean, masked_mean
from seqlab.types import Batch


def metric(name: str, predictions: jax.Array, batch: Batch) -> Mean:
    """Return one of `METRICS` over the positions where the mask is True.

    Args:
        name: of the metric.
        predictions: `(B, O)` or `(B, T, O)`.
        batch: the targets and the mask.
    """
    return METRICS[name](predictions, batch)


def _correct(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Return 1 where the largest logit is that of the target, else 0."""
    return (jnp.argmax(predictions, axis=-1) == targets).astype(predictions.dtype)


def _accuracy(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the share of correct positions."""
    return masked_mean(_correct(predictions, batch.targets), batch.mask)


def _sequence_accuracy(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the share of sequences whose positions are all correct."""
    positions = tuple(range(1, batch.mask.ndim))
    correct = jnp.where(batch.mask, _correct(predictions, batch.targets), 1.0)
    return masked_mean(jnp.min(correct, axis=positions), jnp.any(batch.mask, axis=positions))


def _cross_entropy(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the cross-entropy in nats."""
    return masked_mean(cross_entropy(predictions, batch.targets), batch.mask)


def _bits(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the cross-entropy in bits."""
    return masked_mean(cross_entropy(predictions, batch.targets) / math.log(2), batch.mask)


def _mse(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the mean squared error."""
    return masked_mean(squared_error(_points(predictions, batch), batch.targets), batch.mask)


def _mae(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the mean absolute error; it is the MASE where the unit is the error of a naive forecast."""
    errors = jnp.abs(_points(predictions, batch) - batch.targets)
    return masked_mean(jnp.mean(errors, axis=-1), batch.mask)


def _points(predictions: jax.Array, batch: Batch) -> jax.Array:
    """Return predicted values, `(…, K)`: of Gaussian predictions `(…, 2K)` the means, which come first."""
    return predictions[..., : batch.targets.shape[-1]]


def _crps(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the mean continuous ranked probability score of Gaussian predictions."""
    return masked_mean(ranked_probability_score(predictions, batch.targets), batch.mask)


def _coverage(predictions: jax.Array, batch: Batch) -> Mean:
    """Return the share of targets in the central interval of probability .9 of Gaussian predictions."""
    return masked_mean(covered(predictions, batch.targets), batch.mask)


def _frame_accuracy(predictions: jax.Array, batch: Batch) -> Mean:
    """Return TP / (TP + FP + FN), where labels with a probability above one half are predicted.

    Source: M. Bay, A. Ehmann & J. Downie, "Evaluation of Multiple-F0 Estimation and Tracking Systems", ISMIR
        2009.
    """
    predicted, true = predictions > 0, batch.targets > 0
    both, either = (
        jnp.where(batch.mask[..., None], found, False) for found in (predicted & true, predicted | true)
    )
    return Mean(jnp.sum(both, dtype=predictions.dtype), jnp.sum(either, dtype=predictions.dtype))


METRICS: dict[str, Callable[[jax.Array, Batch], Mean]] = {
    "accuracy": _accuracy,
    "sequence_accuracy": _sequence_accuracy,
    "cross_entropy": _cross_entropy,
    "bits_per_character": _bits,
    "bits_per_byte": _bits,
    "mse": _mse,
    "mae": _mae,
    "mase": _mae,
    "crps": _crps,
    "coverage_90": _coverage,
    "frame_accuracy": _frame_accuracy,
}
"""The metrics by name."""
