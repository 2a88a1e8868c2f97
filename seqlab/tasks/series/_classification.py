"""What kind of series is it? What all tasks share that name the class of each, however its steps are read."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.padding import cut_to_length
from seqlab.data.splits import Example, split
from seqlab.data.standardizer import Scale
from seqlab.data.table import Table
from seqlab.registry import import_extra
from seqlab.tasks._classification import Classification, classes_of, numbers_of
from seqlab.types import Batch, Spec, Vectors


class _Read(NamedTuple):
    """A source as numbers, float32 `series` `(N, T, F)`, int32 `lengths` and `labels` `(N,)`.

    It is `ragged` where some series have other lengths than others.
    """

    arrays: dict[str, dict[str, np.ndarray]]
    ragged: bool
    scale: Scale
    classes: tuple[str, ...]
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class SeriesClassification(Classification):
    """A task that says which class a series belongs to, of any number of steps T and as many features F each.

    Series and classes are two columns of a source. Splits that the source lacks are made by the digest of
    the series; a series that occurs twice is kept once (`data.splits`). The classes are those of the
    training split, and every feature is told in units of its mean and standard deviation there
    (`data.standardizer`).

    Framings: many_to_one reads the first T steps of a series, float32 `(B, T, F)`, and writes its class,
    int32 `(B,)`; one_to_one reads the mean and the standard deviation of each feature over those steps,
    `(B, 2F)`.

    Attributes:
        series: the column of series.
        length: steps that are read of a series at most, T.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as series and classes: one line names file, row and
            field. Or scikit-learn is not installed, which the baselines are made with.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    instead: ClassVar[str] = "task=japanese_vowels or task=mnist1d"

    series: str = "series"
    length: int = 256

    def __post_init__(self) -> None:
        require_positive(self, "length")

    @abc.abstractmethod
    def series_of(self, table: Table) -> list[Example]:
        """Return the series of a table, each float `(T, F)`, at least one step, every value finite.

        Raises:
            ConfigError: the column is missing, or a value is no such series.
        """

    @abc.abstractmethod
    def prompted(self, text: str) -> Mapping[str, Sequence[Any]]:
        """Return the one row that a text tells of, as columns that `series_of` reads."""

    def input_spec(self, framing: str) -> Spec:
        num_features = len(self._read.scale.mean)
        return Vectors(2 * num_features if framing == "one_to_one" else num_features)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the accuracy of models of scikit-learn's, which learn from the training split.

        They are logistic regression and the nearest neighbour over what one_to_one reads, and the nearest
        neighbour step by step, over all T of them and zeros after the last.
        """
        return {name: _accuracy(self, name, split) for name in _BASELINES}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read one series: `(T, F)`, or its means and deviations, `(2F,)`."""
        table = Table.of("--prompt", self.prompted(text))
        [(steps, _)] = self.series_of(table)
        scale = self._read.scale
        _require_features(table, self.series, [steps], len(scale.mean))
        steps = scale.apply(steps[: self.length])
        if framing == "one_to_one":
            return np.asarray(_described(jnp.asarray(steps)[None], jnp.array([len(steps)])))[0]
        return steps

    @property
    def symbols(self) -> Mapping[str, Sequence[Any]]:
        return {"classes": self._read.classes, **dataclasses.asdict(self._read.scale)}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        series, lengths, labels = (data[split][name][indices] for name in ("series", "lengths", "labels"))
        mask = jnp.ones(labels.shape, bool)
        if framing == "one_to_one":
            return Batch(_described(series, lengths), labels, mask)
        return Batch(series, labels, mask, lengths if self._read.ragged else None)


def _described(series: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return mean and standard deviation over the real steps of `(B, T, F)`: float32 `(B, 2F)`."""
    real = (jnp.arange(series.shape[1]) < lengths[:, None])[..., None]
    count = lengths[:, None].astype(jnp.float32)
    mean = jnp.where(real, series, 0).sum(axis=1) / count
    square = jnp.where(real, (series - mean[:, None]) ** 2, 0).sum(axis=1) / count
    return jnp.concatenate([mean, jnp.sqrt(square)], axis=-1)


@functools.lru_cache(maxsize=4)
def _read(task: SeriesClassification, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    given = {}
    for name, table in task.tables().items():
        table.require(label=task.label)
        series, digests = zip(*task.series_of(table), strict=True)
        columns = {task.series: series, task.label: table.columns[task.label], "digest": digests}
        given[name] = dataclasses.replace(table, columns=columns)
    parts = split(given, lambda table: table.columns["digest"])
    train = parts.tables["train"]
    kept = task.kept_symbols()
    if kept is None:
        classes = classes_of(train, task.label)
        series = train.columns[task.series]
        _require_features(train, task.series, series, series[0].shape[1])
        scale = Scale.of(steps[: task.length] for steps in series)
    else:
        classes, scale = tuple(kept["classes"]), Scale(tuple(kept["mean"]), tuple(kept["deviation"]))
    arrays, cut = {}, 0
    longest = max(len(series) for table in parts.tables.values() for series in table.columns[task.series])
    for name, table in parts.tables.items():
        series = table.columns[task.series]
        _require_features(table, task.series, series, len(scale.mean))
        cut += sum(len(steps) > task.length for steps in series)
        scaled = [scale.apply(steps[: task.length]) for steps in series]
        laid, lengths = cut_to_length(scaled, min(task.length, longest))
        labels = numbers_of(table, task.label, classes)
        arrays[name] = {"series": laid, "lengths": lengths, "labels": labels}
    ragged = len({length for part in arrays.values() for length in part["lengths"].tolist()}) > 1
    counts = {name: len(table) for name, table in parts.tables.items()}
    return _Read(arrays, ragged, scale, classes, {**counts, "duplicates": parts.duplicates, "cut": cut})


def _require_features(table: Table, column: str, series: Sequence[np.ndarray], count: int) -> None:
    """Raise ConfigError where a row's series has another number of features than those of training."""
    for index, steps in enumerate(series):
        if steps.shape[1] != count:
            complaint = f"must have {count} numbers a step, as those of training, got {steps.shape[1]}"
            raise table.refusal(index, column, complaint)


_BASELINES = {
    "logistic regression": ("sklearn.linear_model", "LogisticRegression", {"max_iter": 1000}),
    "nearest neighbour": ("sklearn.neighbors", "KNeighborsClassifier", {"n_neighbors": 1}),
    "nearest neighbour, step by step": ("sklearn.neighbors", "KNeighborsClassifier", {"n_neighbors": 1}),
}


@functools.lru_cache(maxsize=16)
def _accuracy(task: SeriesClassification, baseline: str, split: str) -> float:
    """Return the accuracy of a baseline on a split."""
    return float(_fitted(task, baseline).score(*_rows(task, baseline, split)))


@functools.lru_cache(maxsize=8)
def _fitted(task: SeriesClassification, baseline: str) -> Any:
    module, form, settings = _BASELINES[baseline]
    return getattr(import_extra(module), form)(**settings).fit(*_rows(task, baseline, "train"))


def _rows(task: SeriesClassification, baseline: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a baseline reads of a split, `(N, …)`, and the classes `(N,)`."""
    part = task.load()[split]
    if baseline.endswith("step by step"):
        return part["series"].reshape(len(part["labels"]), -1), part["labels"]
    return np.asarray(_described(*map(jnp.asarray, (part["series"], part["lengths"])))), part["labels"]
