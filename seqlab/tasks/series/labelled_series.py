"""What kind of series is it? A speaker, a gesture, a digit: the class of every series of a source."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.tasks.extras import import_extra
from seqlab.tasks.sources import cut_to_length
from seqlab.tasks.sources.classification import Classification, classes_of, numbers_of
from seqlab.tasks.sources.scale import Scale
from seqlab.tasks.sources.splits import digest, split
from seqlab.tasks.sources.table import Table
from seqlab.types import Batch, Spec, Vectors


class _Read(NamedTuple):
    """A source as numbers, float32 `series` `(N, T, F)`, int32 `lengths` and `labels` `(N,)`."""

    arrays: dict[str, dict[str, np.ndarray]]
    scale: Scale
    classes: tuple[str, ...]
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class LabelledSeries(Classification):
    """Say which class a series belongs to, of any number of steps T and the same number of features F.

    Series and classes are two columns of a source; a series is a list of numbers, F = 1, or of steps with as
    many numbers each. Splits that the source lacks are made by the digest of the series; a series that
    occurs twice is kept once (`sources.splits`). The classes are those of the training split, and every
    feature is told in units of its mean and standard deviation there (`sources.scale`).

    Framings: many_to_one reads the first T steps of a series, float32 `(B, T, F)`, and writes its class,
    int32 `(B,)`; one_to_one reads the mean and the standard deviation of each feature over those steps,
    `(B, 2F)`.

    Attributes:
        series: the column of series.
        lengths: the column that says how many steps of each are real, where series are padded; None where
            all of them are.
        length: steps that are read of a series at most, T.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as series and classes: one line names file, row and
            field. Or scikit-learn is not installed, which the baselines are made with.
    """

    architectures: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    instead: ClassVar[str] = "task=japanese_vowels or task=mnist1d"

    series: str = "series"
    lengths: str | None = None
    length: int = 256

    def __post_init__(self) -> None:
        require_positive(self, "length")

    def input_spec(self, architecture: str) -> Spec:
        num_features = len(self._read.scale.mean)
        return Vectors(2 * num_features if architecture == "one_to_one" else num_features)

    def baselines(self, split: str, architecture: str) -> dict[str, float]:
        """Return the accuracy of models of scikit-learn's, which learn from the training split.

        They are logistic regression and the nearest neighbour over what one_to_one reads, and the nearest
        neighbour step by step, over all T of them and zeros after the last.
        """
        return {name: _accuracy(self, name, split) for name in _BASELINES}

    @property
    def symbols(self) -> Mapping[str, Sequence[Any]]:
        return {"classes": self._read.classes, **dataclasses.asdict(self._read.scale)}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def series_of(self, table: Table) -> list[np.ndarray]:
        """Return the series of a table, each float `(T, F)`, every value finite.

        Raises:
            ConfigError: there is no such column, or a series is none, empty or not finite.
        """
        table.require(series=self.series, **({"lengths": self.lengths} if self.lengths else {}))
        return [_steps(self, table, index) for index in range(len(table))]

    def gather(self, indices: jax.Array, split: str, architecture: str, data: Any) -> Batch:
        series, lengths, labels = (data[split][name][indices] for name in ("series", "lengths", "labels"))
        mask = jnp.ones(labels.shape, bool)
        if architecture == "one_to_one":
            return Batch(_described(series, lengths), labels, mask)
        return Batch(series, labels, mask, lengths)


def _steps(task: LabelledSeries, table: Table, index: int) -> np.ndarray:
    """Return one series, float64 `(T, F)`."""
    try:
        steps = np.asarray(table.columns[task.series][index], np.float64)
    except (TypeError, ValueError):
        steps = np.empty(())
    if steps.ndim not in (1, 2):
        complaint = "must be a list of numbers, or of steps with as many numbers each"
        raise table.refusal(index, task.series, complaint)
    if not steps.size:
        raise table.refusal(index, task.series, "the series is empty")
    if task.lengths:
        end = table.columns[task.lengths][index]
        if not (isinstance(end, (int, np.integer)) and 1 <= end <= len(steps)):
            complaint = f"must be an integer from 1 to {len(steps)}, the steps that there are, got {end!r}"
            raise table.refusal(index, task.lengths, complaint)
        steps = steps[:end]
    steps = steps.reshape(len(steps), -1)
    finite = np.isfinite(steps)
    if not finite.all():
        at, feature = np.argwhere(~finite)[0]
        complaint = f"must hold finite numbers, got {steps[at, feature]}"
        raise table.refusal(index, f"{task.series}[{at}]", complaint)
    return steps


def _described(series: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return mean and standard deviation over the real steps of `(B, T, F)`: float32 `(B, 2F)`."""
    real = (jnp.arange(series.shape[1]) < lengths[:, None])[..., None]
    count = lengths[:, None].astype(jnp.float32)
    mean = jnp.where(real, series, 0).sum(axis=1) / count
    square = jnp.where(real, (series - mean[:, None]) ** 2, 0).sum(axis=1) / count
    return jnp.concatenate([mean, jnp.sqrt(square)], axis=-1)


@functools.lru_cache(maxsize=4)
def _read(task: LabelledSeries, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    given = {}
    for name, table in task.tables().items():
        table.require(label=task.label)
        columns = {task.series: task.series_of(table), task.label: table.columns[task.label]}
        given[name] = dataclasses.replace(table, columns=columns)
    parts = split(given, lambda table: list(map(digest, table.columns[task.series])))
    train = parts.tables["train"]
    kept = task.kept_symbols()
    if kept is None:
        classes = classes_of(train, task.label)
        _require_features(train, task.series, train.columns[task.series][0].shape[1])
        scale = Scale.of(series[: task.length] for series in train.columns[task.series])
    else:
        classes, scale = tuple(kept["classes"]), Scale(tuple(kept["mean"]), tuple(kept["deviation"]))
    arrays, cut = {}, 0
    longest = max(len(series) for table in parts.tables.values() for series in table.columns[task.series])
    for name, table in parts.tables.items():
        _require_features(table, task.series, len(scale.mean))
        series = table.columns[task.series]
        cut += sum(len(steps) > task.length for steps in series)
        scaled = [scale.apply(steps[: task.length]) for steps in series]
        laid, lengths = cut_to_length(scaled, min(task.length, longest))
        labels = numbers_of(table, task.label, classes)
        arrays[name] = {"series": laid, "lengths": lengths, "labels": labels}
    counts = {name: len(table) for name, table in parts.tables.items()}
    return _Read(arrays, scale, classes, {**counts, "duplicates": parts.duplicates, "cut": cut})


def _require_features(table: Table, column: str, count: int) -> None:
    """Raise ConfigError where a series has another number of features than those of training."""
    for index, series in enumerate(table.columns[column]):
        if series.shape[1] != count:
            complaint = f"must have {count} numbers a step, as those of training, got {series.shape[1]}"
            raise table.refusal(index, column, complaint)


_BASELINES = {
    "logistic regression": ("sklearn.linear_model", "LogisticRegression", {"max_iter": 1000}),
    "nearest neighbour": ("sklearn.neighbors", "KNeighborsClassifier", {"n_neighbors": 1}),
    "nearest neighbour, step by step": ("sklearn.neighbors", "KNeighborsClassifier", {"n_neighbors": 1}),
}


@functools.lru_cache(maxsize=16)
def _accuracy(task: LabelledSeries, baseline: str, split: str) -> float:
    """Return the accuracy of a baseline on a split."""
    return float(_fitted(task, baseline).score(*_rows(task, baseline, split)))


@functools.lru_cache(maxsize=8)
def _fitted(task: LabelledSeries, baseline: str) -> Any:
    module, form, settings = _BASELINES[baseline]
    return getattr(import_extra(module), form)(**settings).fit(*_rows(task, baseline, "train"))


def _rows(task: LabelledSeries, baseline: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a baseline reads of a split, `(N, …)`, and the classes `(N,)`."""
    part = task.load()[split]
    if baseline.endswith("step by step"):
        return part["series"].reshape(len(part["labels"]), -1), part["labels"]
    return np.asarray(_described(*map(jnp.asarray, (part["series"], part["lengths"])))), part["labels"]
