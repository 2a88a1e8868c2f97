"""Which class does a row belong to? What all tasks share that name one, of those of the training split."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from seqlab.data.table import Table
from seqlab.tasks._data_task import RowsTask
from seqlab.types import ConfigError, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class Classification(RowsTask):
    """A task whose rows belong to a class each; what is read has `classes`, and `labels` in its arrays.

    Attributes:
        label: the column of classes.
    """

    extras: ClassVar[tuple[str, ...]] = ("sklearn",)

    label: str = "label"

    @abc.abstractmethod
    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the accuracy of models that are simple."""

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self._read.classes))

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str) -> Reference:
        """Return the accuracy of the most frequent class; the threshold is that of the best baseline."""
        counts = np.bincount(self._read.arrays["test"]["labels"])
        baseline = float(counts.max() / counts.sum())
        threshold = max(baseline, *self.baselines("test", framing).values())
        return Reference(baseline, "always the most frequent class", threshold)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Name the classes."""
        return " ".join(self._read.classes[number] for number in np.ravel(sequence))


def classes_of(train: Table, column: str) -> tuple[str, ...]:
    """Return the classes of a training split, in the order of their names.

    Raises:
        ConfigError: a label is missing, or there are not two classes.
    """
    classes = tuple(sorted(set(train.labels(column))))
    if len(classes) < 2:
        raise ConfigError(
            f"{train.name}: {column} must have at least two classes in training, got {', '.join(classes)}"
        )
    return classes


def numbers_of(table: Table, column: str, classes: Sequence[str]) -> np.ndarray:
    """Return the number of each row's class, int32 `(N,)`.

    Raises:
        ConfigError: a class is not among those of the training split, or one that the source names is not.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    labels = table.labels(column)
    for index, label in enumerate(labels):
        if label not in numbers:
            known = ", ".join(classes)
            raise table.refusal(index, column, f"{label!r} is not a class of the training split: {known}")
    for name in table.names.get(column, ()):
        if name not in numbers:
            raise ConfigError(f"{table.name}: the class {name!r} of {column} is empty in the training split")
    return np.array([numbers[label] for label in labels], np.int32)
