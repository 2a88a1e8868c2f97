"""Cross-entropy with smoothed targets and weights of classes, for training alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from seqlab.metrics.mean import Mean, masked_mean
from seqlab.metrics.measures import in_training_only
from seqlab.types import ConfigError, Labels, Tokens


@in_training_only(Tokens, Labels)
def smoothed_cross_entropy(
    predictions: jax.Array,
    targets: jax.Array,
    mask: jax.Array,
    label_smoothing: float = 0.1,
    class_weights: Sequence[float] | None = None,
) -> Mean:
    """Return −Σ_k q_k ln p_k of classes, or the binary cross-entropy of labels with the targets q, in nats.

        q = (1 − α) y + α / K    of K classes, as `optax.losses.smooth_labels`
        q = (1 − α) y + α / 2    of each label

    Args:
        predictions: logits `(…, K)`.
        targets: int32 classes `(…)`, or 0 or 1 for each label `(…, K)`.
        mask: bool, the positions whose mean is taken.
        label_smoothing: α, the share of the probability that is spread over all classes.
        class_weights: the weight of a position by its class, `(K,)`, or of the terms of each label; null for
            equal ones. The mean is divided by the sum of the weights of the classes.

    Raises:
        ConfigError: α is not in [0, 1), or there is not a positive weight for each class.

    Source: C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016, section 7.
    """
    num_classes = predictions.shape[-1]
    if isinstance(label_smoothing, bool) or not 0 <= label_smoothing < 1:
        raise ConfigError(f"label_smoothing must be at least 0 and below 1, got {label_smoothing!r}")
    weights = _weights(class_weights, num_classes)
    if targets.ndim == predictions.ndim:
        smooth = targets * (1 - label_smoothing) + label_smoothing / 2
        terms = optax.sigmoid_binary_cross_entropy(predictions, smooth.astype(predictions.dtype))
        return masked_mean(jnp.sum(terms if weights is None else terms * weights, axis=-1), mask)
    one_hot = jax.nn.one_hot(targets, num_classes, dtype=predictions.dtype)
    values = optax.softmax_cross_entropy(predictions, optax.losses.smooth_labels(one_hot, label_smoothing))
    if weights is None:
        return masked_mean(values, mask)
    counted = jnp.where(mask, weights[targets], 0.0)
    return Mean(jnp.sum(values * counted), jnp.sum(counted))


def _weights(class_weights: Any, num_classes: int) -> jax.Array | None:
    if class_weights is None:
        return None
    given: list[Any] = list(class_weights) if isinstance(class_weights, list | tuple) else []
    legal = all(
        isinstance(one, int | float) and not isinstance(one, bool) and 0 < one < math.inf for one in given
    )
    if len(given) != num_classes or not legal:
        raise ConfigError(
            f"class_weights must be null or {num_classes} positive numbers, got {class_weights!r}"
        )
    return jnp.asarray(given, float)
