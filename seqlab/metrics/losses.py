"""Losses, one for each output spec."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

from seqlab.metrics.gaussians import negative_log_density
from seqlab.metrics.mean import Mean, masked_mean
from seqlab.types import Batch, Gaussians, Labels, Spec, Tokens, Transcript, Vectors


def loss(spec: Spec, predictions: jax.Array, batch: Batch) -> Mean:
    """Return the mean loss over the positions where the mask is True.

    - `Tokens`: the cross-entropy −ln softmax(predictions)[target], in nats.
    - `Vectors`: the squared error, averaged over features.
    - `Gaussians`: −ln of the density, averaged over features.
    - `Labels`: the binary cross-entropy −Σ_k ln(y_k p_k + (1 − y_k)(1 − p_k)), p = σ(predictions), in nats.
    - `Transcript`: −ln p(targets) in nats a token, where p is the sum over all paths of T symbols that
      `best_path` reads as the targets.

    Args:
        spec: the output spec.
        predictions: `(B, O)` or `(B, T, O)`.
        batch: the targets and the mask. For `Transcript` also the lengths, each with a step for every token
            and for a blank between equal neighbours; with fewer steps there is no path. Examples of length 0
            do not count.

    Raises:
        TypeError: there is no loss for this spec.

    Source: A. Graves et al., "Connectionist Temporal Classification", 2006, equation 3, for `Transcript`.
    """
    match spec:
        case Tokens():
            return masked_mean(cross_entropy(predictions, batch.targets), batch.mask)
        case Vectors():
            return masked_mean(squared_error(predictions, batch.targets), batch.mask)
        case Gaussians():
            return masked_mean(negative_log_density(predictions, batch.targets), batch.mask)
        case Labels():
            return masked_mean(binary_cross_entropy(predictions, batch.targets), batch.mask)
        case Transcript():
            return _connectionist_temporal_classification(predictions, batch)
        case _:
            raise TypeError(f"{type(spec).__name__} is never an output")


def cross_entropy(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Return −ln softmax(predictions)[target] of logits `(…, O)` and int32 targets `(…)`: `(…)`."""
    return optax.softmax_cross_entropy_with_integer_labels(predictions, targets)


def squared_error(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the squared error, averaged over features, of `(…, O)` and `(…, O)`: `(…)`."""
    return jnp.mean(jnp.square(predictions - targets), axis=-1)


def binary_cross_entropy(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Return −ln of the probability of all labels of logits `(…, O)` and 0 or 1 `(…, O)`: `(…)`."""
    return jnp.sum(optax.sigmoid_binary_cross_entropy(predictions, targets), axis=-1)


def _connectionist_temporal_classification(predictions: jax.Array, batch: Batch) -> Mean:
    """Return −ln of the probability of all paths that spell a target; inf where its steps are too few.

    A target without tokens is spelt by blanks alone, and weighs as much as one token. Examples of 0 steps do
    not count.
    """
    T = predictions.shape[1]
    lengths = jnp.full(len(predictions), T) if batch.lengths is None else batch.lengths
    counted = lengths > 0
    padding = jnp.arange(T) >= lengths[:, None]
    nats = optax.ctc_loss(
        predictions,
        padding.astype(predictions.dtype),
        batch.targets,
        (~batch.mask).astype(predictions.dtype),
        blank_id=predictions.shape[-1] - 1,
    )
    repeats = jnp.sum((batch.targets[:, 1:] == batch.targets[:, :-1]) & batch.mask[:, 1:], axis=1)
    nats = jnp.where(jnp.sum(batch.mask, axis=1) + repeats > lengths, jnp.inf, nats)
    weights = jnp.where(counted, jnp.maximum(jnp.sum(batch.mask, axis=1), 1), 0)
    return Mean(jnp.sum(jnp.where(counted, nats, 0.0)), jnp.sum(weights, dtype=nats.dtype))
