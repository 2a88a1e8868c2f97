"""How wrong? The loss of each output spec, and the metrics, all as masked sums that add up over batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from seqlab.types import Batch, Labels, Spec, Tokens, Transcript, Vectors

LOG_ZERO = -1e5
"""The logarithm of the probability of what cannot be, where infinity would have no gradient."""


class Mean(NamedTuple):
    """A weighted mean in two parts, so that the means of batches add up to the mean of all.

    Attributes:
        total: the weighted sum.
        weight: the sum of weights.
    """

    total: jax.Array
    weight: jax.Array

    @property
    def value(self) -> jax.Array:
        """The mean; NaN where nothing was weighed."""
        return self.total / self.weight


def loss(spec: Spec, predictions: jax.Array, batch: Batch) -> Mean:
    """Return the mean loss over the masked-in positions.

    Args:
        spec: the output spec: `Tokens` takes the cross-entropy −ln softmax(predictions)[target], in nats;
            `Vectors` the squared error, averaged over features; `Labels` the binary cross-entropy
            −Σ_k ln(y_k p_k + (1 − y_k)(1 − p_k)), p = σ(predictions), in nats; `Transcript` −ln p(targets),
            in nats a token, p being the sum over all paths of T symbols that `best_path` would read as the
            targets (Graves et al. 2006, eq. 3; by `optax.ctc_loss`).
        predictions: `(B, O)` or `(B, T, O)`.
        batch: the targets and the mask; of `Transcript` the lengths too, each with a step for every token
            and for a blank between each two that are alike, without which there is no path.
    """
    if isinstance(spec, Transcript):
        return _temporal_classification(predictions, batch)
    return _masked(_KERNELS[type(spec)](predictions, batch.targets), batch.mask)


def metric(name: str, predictions: jax.Array, batch: Batch) -> Mean:
    """Return one of `METRICS` over the masked-in positions; arguments as in `loss`."""
    return METRICS[name](predictions, batch)


def _masked(values: jax.Array, mask: jax.Array) -> Mean:
    return Mean(jnp.sum(jnp.where(mask, values, 0.0)), jnp.sum(mask, dtype=values.dtype))


def _cross_entropy(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(predictions, targets)


def _squared_error(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.mean(jnp.square(predictions - targets), axis=-1)


def _binary_cross_entropy(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.sum(optax.sigmoid_binary_cross_entropy(predictions, targets), axis=-1)


_KERNELS: dict[type, Callable[[jax.Array, jax.Array], jax.Array]] = {
    Tokens: _cross_entropy,
    Vectors: _squared_error,
    Labels: _binary_cross_entropy,
}


def _temporal_classification(predictions: jax.Array, batch: Batch) -> Mean:
    counted, T = jnp.any(batch.mask, axis=1), predictions.shape[1]
    lengths = jnp.full(len(predictions), T) if batch.lengths is None else batch.lengths
    padding = jnp.arange(T) >= lengths[:, None]
    nats = optax.ctc_loss(
        predictions,
        padding.astype(predictions.dtype),
        batch.targets,
        (~batch.mask).astype(predictions.dtype),
        blank_id=predictions.shape[-1] - 1,
        log_epsilon=LOG_ZERO,
    )
    return Mean(jnp.sum(jnp.where(counted, nats, 0.0)), jnp.sum(batch.mask, dtype=nats.dtype))


def _right(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    return (jnp.argmax(predictions, axis=-1) == targets).astype(predictions.dtype)


def _accuracy(predictions: jax.Array, batch: Batch) -> Mean:
    return _masked(_right(predictions, batch.targets), batch.mask)


def _sequence_accuracy(predictions: jax.Array, batch: Batch) -> Mean:
    positions = tuple(range(1, batch.mask.ndim))
    right = jnp.where(batch.mask, _right(predictions, batch.targets), 1.0)
    return _masked(jnp.min(right, axis=positions), jnp.any(batch.mask, axis=positions))


def _nats(predictions: jax.Array, batch: Batch) -> Mean:
    return _masked(_cross_entropy(predictions, batch.targets), batch.mask)


def _bits_per_character(predictions: jax.Array, batch: Batch) -> Mean:
    return _masked(_cross_entropy(predictions, batch.targets) / math.log(2), batch.mask)


def _mse(predictions: jax.Array, batch: Batch) -> Mean:
    return _masked(_squared_error(predictions, batch.targets), batch.mask)


def _mae(predictions: jax.Array, batch: Batch) -> Mean:
    return _masked(jnp.mean(jnp.abs(predictions - batch.targets), axis=-1), batch.mask)


def _frame_accuracy(predictions: jax.Array, batch: Batch) -> Mean:
    """Return TP / (TP + FP + FN), the labels above one half being predicted.

    Source: M. Bay, A. Ehmann & J. Downie, "Evaluation of Multiple-F0 Estimation and Tracking Systems", ISMIR
        2009.
    """
    told, true = predictions > 0, batch.targets > 0
    both, either = (jnp.where(batch.mask[..., None], hits, False) for hits in (told & true, told | true))
    return Mean(jnp.sum(both, dtype=predictions.dtype), jnp.sum(either, dtype=predictions.dtype))


METRICS: dict[str, Callable[[jax.Array, Batch], Mean]] = {
    "accuracy": _accuracy,
    "sequence_accuracy": _sequence_accuracy,
    "cross_entropy": _nats,
    "bits_per_character": _bits_per_character,
    "mse": _mse,
    "mae": _mae,
    "mase": _mae,
    "frame_accuracy": _frame_accuracy,
}
"""The share of right positions and of wholly right sequences; the cross-entropy in nats and in bits; the mean
squared and absolute errors, the latter also where the unit is what a naive forecast errs by (MASE); the share
that is right of the labels that are true or predicted."""
