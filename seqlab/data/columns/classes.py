"""Column of classes: the number of each row's class."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.table import Table
from seqlab.data.tokenization import normalized
from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class Classes(Column[str]):
    """Column of classes: int32 `labels` `(N,)`; artifact `classes`, in alphabetical order.

    Attributes:
        more: further columns; a class is then a combination of the values of all, such as "angry + loud".
    """

    symbols: ClassVar[tuple[str, ...]] = ("classes",)

    more: tuple[str, ...] = ()

    def require(self, table: Table) -> None:
        for name in (self.name, *self.more):
            table.require(**{self.key: name})

    def read(self, table: Table) -> list[str]:
        columns = [table.labels(normalized(name)) for name in (self.name, *self.more)]
        return [" + ".join(values) for values in zip(*columns, strict=True)]

    def labels(self, value: str) -> Collection[str]:
        return (value,)

    def fit(self, train: Table) -> Artifacts:
        return {"classes": sorted(set(train.columns[self.key]))}

    def require_known(self, train: Table, artifacts: Artifacts) -> None:
        if len(classes := artifacts["classes"]) < 2:
            found = ", ".join(classes)
            raise ConfigError(
                f"{train.name}: {self.name} must have at least two classes in training, got {found}"
            )

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
        for name in () if self.more else table.names.get(self.name, ()):
            if name not in numbers:
                raise ConfigError(
                    f"{table.name}: the class {name!r} of {self.name} is empty in the training split"
                )
        return np.array([numbers[label] for label in labels], np.int32)


def classes_of(label: str | Sequence[str]) -> Classes:
    """Return the column of classes of a task whose key `label` names a column, or several."""
    names = [label] if isinstance(label, (str, int)) else list(label)
    return Classes("label", str(names[0]), tuple(map(str, names[1:])))
