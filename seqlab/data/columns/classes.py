"""Column of classes: the number of each row's class."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.table import Table
from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class Classes(Column[str]):
    """Column of classes: int32 `labels` `(N,)`; artifact `classes`, in alphabetical order."""

    def read(self, table: Table) -> list[str]:
        return table.labels(self.name)

    def labels(self, value: str) -> Collection[str]:
        return (value,)

    def fit(self, train: Table) -> Artifacts:
        classes = sorted(set(train.columns[self.key]))
        if len(classes) < 2:
            found = ", ".join(classes)
            raise ConfigError(
                f"{train.name}: {self.name} must have at least two classes in training, got {found}"
            )
        return {"classes": classes}

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        classes = artifacts["classes"]
        return {name: {"labels": self._numbers(table, classes)} for name, table in tables.items()}

    def _numbers(self, table: Table, classes: Sequence[str]) -> np.ndarray:
        numbers = {name: number for number, name in enumerate(classes)}
        labels = table.columns[self.key]
        for index, label in enumerate(labels):
            if label not in numbers:
                complaint = f"{label!r} is not a class of the training split: {', '.join(classes)}"
                raise table.refusal(index, self.name, complaint)
        for name in table.names.get(self.name, ()):
            if name not in numbers:
                raise ConfigError(
                    f"{table.name}: the class {name!r} of {self.name} is empty in the training split"
                )
        return np.array([numbers[label] for label in labels], np.int32)
