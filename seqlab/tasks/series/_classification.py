"""Classification of series of vectors: batches, baselines and prompts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.data.columns.classes import classes_of
from seqlab.data.columns.groups import groups_of
from seqlab.data.columns.series import Series
from seqlab.data.encoded import Encoded, Source, encode
from seqlab.tasks._classification import class_reference, fit_model
from seqlab.types import Batch, Reference, Spec, Tokens, Vectors

FRAMINGS = ("many_to_one", "one_to_one")


@dataclasses.dataclass(frozen=True)
class SeriesClassification:
    """The part that tasks share which name the class of a series of T steps with F features each.

    Series and classes are two columns of a source. Splits that the source lacks are made by the digest of the
    series; duplicates are dropped (`data.splits`). The classes are those of the training split, and each
    feature is standardised by its mean and standard deviation there (`data.standardizer`).

    Framings: many_to_one reads the first T steps of a series, float32 `(B, T, F)`, and writes its class,
    int32 `(B,)`; one_to_one reads the mean and the standard deviation of each feature over those steps,
    `(B, 2F)`.

    Attributes:
        source: the source of the data.
        series: the column of series.
        label: the column of classes, or several.
        vocabulary: the file of artifacts of an earlier run; None to fit them.
        group: the column of groups that made splits do not divide; None for none.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for the default.
    """

    source: Source
    series: Series
    label: str | Sequence[str]
    vocabulary: str | None
    group: str | None
    resident_bytes: int | None

    @functools.cached_property
    def encoded(self) -> Encoded:
        """The source as arrays."""
        columns = (self.series, classes_of(self.label), *groups_of(self.group))
        return encode(self.source, columns, self.vocabulary, self.resident_bytes)

    def input_spec(self, framing: str) -> Spec:
        """Return the spec of the inputs."""
        num_features = len(self.encoded.artifacts["mean"])
        return Vectors(2 * num_features if framing == "one_to_one" else num_features)

    def output_spec(self) -> Spec:
        """Return the spec of the outputs."""
        return Tokens(len(self.encoded.artifacts["classes"]))

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        """Return the examples at int32 `indices` `(B,)`."""
        series, lengths, labels = (data[split][name][indices] for name in ("series", "lengths", "labels"))
        mask = jnp.ones(labels.shape, bool)
        if framing == "one_to_one":
            return Batch(describe(series, lengths), labels, mask)
        return Batch(series, labels, mask, lengths if self._ragged else None)

    @functools.cached_property
    def _ragged(self) -> bool:
        """Whether the lengths of the series differ."""
        return len({n for part in self.encoded.arrays.values() for n in part["lengths"].tolist()}) > 1

    def reference(self, split: str) -> Reference:
        """Return the accuracy of the most frequent class; the threshold is the best of the baselines."""
        return class_reference(self.encoded, split, self.baselines(split))

    def baselines(self, split: str) -> dict[str, float]:
        """Return the accuracy of models of scikit-learn on a split.

        They are logistic regression and the nearest neighbour over the inputs of one_to_one, and the nearest
        neighbour over all T steps, zeros after the last real one.
        """
        return {name: _accuracy(self, name, split) for name in _BASELINES}

    def read_prompt(
        self, value: Any, framing: str, further: Mapping[str, Sequence[Any]] | None = None
    ) -> np.ndarray:
        """Read one series: float32 `(T, F)`, or its means and deviations, `(2F,)`.

        Args:
            value: what a row has in the column of series.
            framing: the framing.
            further: what the row has in other columns.

        Raises:
            ConfigError: the value is not such a series.
        """
        steps = self.series.read_one(value, self.encoded.artifacts, further or {})
        if framing == "one_to_one":
            return np.asarray(describe(jnp.asarray(steps)[None], jnp.array([len(steps)])))[0]
        return steps


def describe(series: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return mean and standard deviation over the real steps of `(B, T, F)`: float32 `(B, 2F)`."""
    real = (jnp.arange(series.shape[1]) < lengths[:, None])[..., None]
    count = lengths[:, None].astype(jnp.float32)
    mean = jnp.where(real, series, 0).sum(axis=1) / count
    square = jnp.where(real, (series - mean[:, None]) ** 2, 0).sum(axis=1) / count
    return jnp.concatenate([mean, jnp.sqrt(square)], axis=-1)


_BASELINES = {
    "logistic regression": "logistic regression",
    "nearest neighbour": "nearest neighbour",
    "nearest neighbour, step by step": "nearest neighbour",
}


@functools.lru_cache(maxsize=16)
def _accuracy(task: SeriesClassification, baseline: str, split: str) -> float:
    """Return the accuracy of a baseline on a split."""
    return float(_model(task, baseline).score(*_inputs_and_labels(task, baseline, split)))


@functools.lru_cache(maxsize=8)
def _model(task: SeriesClassification, baseline: str) -> Any:
    return fit_model(_BASELINES[baseline], *_inputs_and_labels(task, baseline, "train"))


def _inputs_and_labels(
    task: SeriesClassification, baseline: str, split: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return what a baseline reads of a split, `(N, …)`, and the labels `(N,)`."""
    part = task.encoded.arrays[split]
    if baseline.endswith("step by step"):
        return part["series"].reshape(len(part["labels"]), -1), part["labels"]
    return np.asarray(describe(*map(jnp.asarray, (part["series"], part["lengths"])))), part["labels"]
