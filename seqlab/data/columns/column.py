"""Column: the encoder of one column of a source."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from seqlab.data.artifacts import appended
from seqlab.data.table import Table
from seqlab.data.tokenization import normalized

Value = TypeVar("Value")
"""What a value of the column is once it is read."""
Artifacts = Mapping[str, Sequence[Any]]
"""What gives numbers their meaning, by name, as JSON can hold it: symbols, classes, means …"""
Arrays = Mapping[str, np.ndarray]
"""Arrays by name."""


@dataclasses.dataclass(frozen=True)
class Column(abc.ABC, Generic[Value]):
    """Encoder of one column of a source: it reads values, fits artifacts on training, and makes arrays.

    An encoder is a value without state. What it learns from the training split are its artifacts, which a run
    stores in `vocabulary.json`; given the same artifacts it encodes other data in the same way.

    `data.encoded.encode` calls, in this order, `read` and `check` for each table of the source, `identity`
    and `merge` to drop duplicates, `fit` for the training split (unless artifacts are stored), and `encode`
    for all splits.

    Attributes:
        key: the config key of the task that names the column; tables that were read have the values by it.
        name: the name of the column in the source.
    """

    groups: ClassVar[bool] = False
    """Whether rows of equal value belong to one split."""
    symbols: ClassVar[tuple[str, ...]] = ()
    """The artifacts that are lists of symbols, which can grow."""

    key: str
    name: str

    def __post_init__(self) -> None:
        # A config reads the name 0 as a number, and a keyboard may write é as two characters.
        object.__setattr__(self, "name", normalized(str(self.name)))

    def require(self, table: Table) -> None:
        """Raise ConfigError where the column is missing in a table of the source."""
        table.require(**{self.key: self.name})

    @abc.abstractmethod
    def read(self, table: Table) -> list[Value]:
        """Return the checked value of each row of a source.

        Raises:
            ConfigError: a value is not legal; one line names file, row and column.
        """

    def check(self, table: Table) -> None:
        """Raise ConfigError where a value does not fit those of other columns, all of which were read."""

    def identity(self, value: Value) -> str:
        """Return a text that is equal for two rows of the same example; asked of a task's first column."""
        raise NotImplementedError(f"{type(self).__name__} cannot tell examples apart")

    def labels(self, value: Value) -> Collection[str]:
        """Return what a value has that made splits must keep in training, such as its class."""
        return ()

    def merge(self, values: Sequence[Value]) -> Value:
        """Return the value of an example that several rows of a table have: that of the first."""
        return values[0]

    def fit(self, train: Table) -> Artifacts:
        """Return what the values of the training split say of the column's numbers; nothing by default."""
        return {}

    def grow(self, train: Table, old: Artifacts) -> Artifacts:
        """Return the artifacts of an earlier run, with the further symbols that `fit` finds at their end."""
        if not self.symbols:
            return {}
        fitted = self.fit(train)
        return {name: appended(old[name], fitted[name]) for name in self.symbols}

    @abc.abstractmethod
    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        """Return the arrays of every split, by name.

        Args:
            tables: the splits, with values that were read.
            artifacts: what this and other columns were fitted to.

        Raises:
            ConfigError: a value does not fit the artifacts; one line names file, row and column.
        """

    def cut(self, values: Sequence[Value]) -> np.ndarray | None:
        """Say of each value whether the encoder cuts its end off, bool `(N,)`; None where it cuts none."""
        return None

    def counts(self, values: Sequence[Value]) -> Mapping[str, int]:
        """Return further counts of the values of all splits, by name, for the summary of a run."""
        return {}

    def unknown(self, arrays: Arrays) -> float | None:
        """Return the share of symbols of a split that the artifacts lack; None where there are no symbols."""
        return None

    def require_known(self, train: Table, artifacts: Artifacts) -> None:
        """Raise ConfigError where the artifacts that were fitted lack most of what training has."""

    def texts(self, value: Value) -> Any:
        """Return the texts of a value that scores and baselines need; None where they need none."""
        return None
