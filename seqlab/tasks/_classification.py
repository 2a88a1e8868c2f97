"""Goal, baselines and rendering of tasks that name the class of an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqlab.data.columns.column import Artifacts
from seqlab.data.encoded import Encoded
from seqlab.metrics.classes import class_scores
from seqlab.registry import import_extra
from seqlab.types import Goal, Reference

GOAL = Goal("accuracy", higher_is_better=True)
"""The goal of a classification."""
SCORED = ("balanced_accuracy", "macro_f1", "ece")
"""The names of what `scores_of_classes` returns, and that of the expected calibration error."""
MOST_FREQUENT_CLASS = "always the most frequent class of training"
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "naive Bayes": ("sklearn.naive_bayes", "MultinomialNB", {}),
    "logistic regression": ("sklearn.linear_model", "LogisticRegression", {"max_iter": 1000}),
    "nearest neighbour": ("sklearn.neighbors", "KNeighborsClassifier", {"n_neighbors": 1}),
}
"""The classifiers of scikit-learn that baselines use: module, class and arguments."""


def fit_model(name: str, inputs: Any, labels: np.ndarray, **settings: Any) -> Any:
    """Fit one of `MODELS`.

    Args:
        name: of the model.
        inputs: `(N, F)`, dense or sparse.
        labels: int `(N,)`.
        settings: further arguments of the model.
    """
    module, kind, arguments = MODELS[name]
    return getattr(import_extra(module), kind)(**arguments | settings).fit(inputs, labels)


def class_reference(encoded: Encoded, split: str, baselines: Mapping[str, float]) -> Reference:
    """Return the accuracy of the most frequent class of training; the threshold is the best of the baselines.

    The threshold is at least one more right answer than that class has. Above that it leaves room for one
    wrong answer: where a baseline is always right, a run that errs once would not count as solved.

    Args:
        encoded: the data, with int `labels` `(N,)` in each split.
        split: the split whose answers are counted.
        baselines: the accuracies of further models on this split.
    """
    labels = encoded.arrays[split]["labels"]
    baseline, above = most_frequent_class(encoded.arrays["train"]["labels"], labels)
    best = min(max(baselines.values(), default=0.0), (len(labels) - 1) / len(labels))
    return Reference(baseline, MOST_FREQUENT_CLASS, max(above, best))


def most_frequent_class(training: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the accuracy of the most frequent class of training, and that with one more right answer.

    Args:
        training: int `(N,)`, the labels of the training split.
        labels: int `(M,)`, the labels of the split whose answers are counted.
    """
    right = int(np.sum(labels == np.bincount(training).argmax()))
    return right / len(labels), min(1.0, (right + 1) / len(labels))


def scores_of_classes(predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> Mapping[str, float]:
    """Return the scores of predicted classes that a frequent class alone cannot raise (`metrics.classes`)."""
    return class_scores(predictions[mask], targets[mask])


def class_names(numbers: np.ndarray, artifacts: Artifacts) -> str:
    """Return the names of some classes by number, separated by spaces."""
    return " ".join(artifacts["classes"][number] for number in np.ravel(numbers))
