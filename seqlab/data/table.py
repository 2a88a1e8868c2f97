"""Which row of which file does a value come from? Columns that remember it, for messages of one line."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class Table:
    """Some rows of a source.

    Attributes:
        name: the file or the dataset, as messages call it.
        columns: the values of each column, all as many as `rows`.
        rows: the number of each row where it comes from, from 1; a head of names does not count.
        names: the class names of the columns that hold class numbers.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    rows: Sequence[int]
    names: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, name: str, columns: Mapping[str, Sequence[Any]], **names: Sequence[str]) -> Table:
        """Return a whole source, of as many rows as its columns have values."""
        return cls(name, columns, range(1, 1 + len(next(iter(columns.values())))), names)

    def __len__(self) -> int:
        return len(self.rows)

    def require(self, **columns: str) -> None:
        """Raise ConfigError where a column is not there; `columns` are the task's keys and what they name."""
        for key, column in columns.items():
            if column not in self.columns:
                raise ConfigError(
                    f"task.{key}={column} is not a column of {self.name}: its columns are "
                    + ", ".join(self.columns)
                )

    def refusal(self, index: int, column: str, complaint: str) -> ConfigError:
        """Return what says what is wrong with a value; `index` counts the rows of this table from 0."""
        return ConfigError(f"{self.name}, row {self.rows[index]}, {column}: {complaint}")

    def texts(self, column: str) -> list[str]:
        """Return a column of texts.

        Raises:
            ConfigError: a value is missing, empty or no text.
        """
        for index, value in enumerate(self.columns[column]):
            if not isinstance(value, str):
                raise self.refusal(index, column, f"must be a text, got {value!r}")
            if not value.strip():
                raise self.refusal(index, column, "the text is empty")
        return list(self.columns[column])

    def several_texts(self, key: str, pattern: str) -> list[tuple[str, ...]]:
        """Return the texts of each row: those of every column that fits a pattern, each a text or a list.

        Of a list, empty texts are left out.

        Args:
            key: the task's, for messages.
            pattern: the name of a column, or a pattern of the shell's: `caption_*`.

        Raises:
            ConfigError: no column fits, or a value is missing, empty or no text.
        """
        columns = fnmatch.filter(self.columns, pattern)
        if not columns:
            self.require(**{key: pattern})
        rows: list[tuple[str, ...]] = [()] * len(self)
        for column in columns:
            for index, value in enumerate(self.columns[column]):
                every = value if isinstance(value, (list, tuple, np.ndarray)) else [value]
                if strange := [one for one in every if not isinstance(one, str)]:
                    complaint = f"must be a text or a list of texts, got {strange[0]!r}"
                    raise self.refusal(index, column, complaint)
                if not (texts := tuple(one for one in every if one.strip())):
                    raise self.refusal(index, column, "the text is empty")
                rows[index] += texts
        return rows

    def labels(self, column: str) -> list[str]:
        """Return a column of classes by name; numbers are named as they are written.

        Raises:
            ConfigError: a value is missing or empty, or the number of no class.
        """
        names = self.names.get(column)
        labels = []
        for index, value in enumerate(self.columns[column]):
            if value is None or not str(value).strip():
                raise self.refusal(index, column, "the label is missing")
            if names is not None and not 0 <= value < len(names):
                raise self.refusal(index, column, f"no class has the number {value}")
            labels.append(names[value] if names is not None else str(value).strip())
        return labels

    def decoded(self, column: str, decode: Callable[[Any], Any]) -> list[Any]:
        """Return what a function makes of each value of a column.

        Raises:
            ConfigError: `decode` refuses a value, by a ValueError.
        """
        arrays = []
        for index, value in enumerate(self.columns[column]):
            try:
                arrays.append(decode(value))
            except ValueError as error:
                file = value.get("path") if isinstance(value, Mapping) else value
                named = file if isinstance(file, (str, Path)) else "it"
                raise self.refusal(index, column, f"{named} {error}") from error
        return arrays

    def counts(self, column: str, most: Sequence[int]) -> list[int]:
        """Return a column of integers from 1 to the `most` of each row.

        Raises:
            ConfigError: a value is another.
        """
        for index, (value, limit) in enumerate(zip(self.columns[column], most, strict=True)):
            if not (isinstance(value, (int, np.integer)) and 1 <= value <= limit):
                raise self.refusal(index, column, f"must be an integer from 1 to {limit}, got {value}")
        return [int(value) for value in self.columns[column]]

    def take(self, indices: Iterable[int]) -> Table:
        """Return the rows at some indices, which count from 0."""
        indices = list(indices)
        columns = {name: [values[i] for i in indices] for name, values in self.columns.items()}
        return dataclasses.replace(self, columns=columns, rows=[self.rows[i] for i in indices])
