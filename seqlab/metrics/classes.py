"""Metrics of classes that do not add up over batches."""

from __future__ import annotations

import numpy as np


def class_scores(predictions: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return the means over classes that a class which is always predicted cannot raise.

        balanced_accuracy = mean_k TP_k / (TP_k + FN_k),   macro_f1 = mean_k 2 TP_k / (2 TP_k + FP_k + FN_k)

    The first is over the classes of the targets, the second over those of targets or predictions.

    Args:
        predictions: int `(N,)`.
        targets: int `(N,)`, at least one.
    """
    size = 1 + int(max(predictions.max(), targets.max()))
    counts = confusion(predictions, targets, size)
    right, of_class, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    recalls = right[of_class > 0] / of_class[of_class > 0]
    found = of_class + predicted > 0
    f1 = 2 * right[found] / (of_class + predicted)[found]
    return {"balanced_accuracy": float(recalls.mean()), "macro_f1": float(f1.mean())}


def confusion(predictions: np.ndarray, targets: np.ndarray, size: int) -> np.ndarray:
    """Return how often each of `size` classes (rows) was predicted as each (columns): int `(K, K)`."""
    counts = np.zeros((size, size), int)
    np.add.at(counts, (targets, predictions), 1)
    return counts
