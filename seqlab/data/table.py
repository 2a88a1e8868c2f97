"""Tables whose values remember their row in the source, for messages of one line."""

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
        name: the file or the data set, for messages.
        columns: the values of each column, one for each row.
        rows: the number of each row in its source, from 1; a header does not count.
        names: the class names of the columns that hold class numbers.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    rows: Sequence[int]
    names: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, name: str, columns: Mapping[str, Sequence[Any]], **names: Sequence[str]) -> Table:
        """Return a table of all rows of a source; `names` are the class names of columns."""
        return cls(name, columns, range(1, 1 + len(next(iter(columns.values())))), names)

    def __len__(self) -> int:
        return len(self.rows)

    def require(self, **columns: str) -> None:
        """Raise ConfigError where a column is missing; `columns` maps config keys of the task to columns."""
        for key, column in columns.items():
            if column not in self.columns:
                raise ConfigError(
                    f"task.{key}={column} is not a column of {self.name}: its columns are "
                    + ", ".join(self.columns)
                )

    def refusal(self, index: int, column: str, complaint: str) -> ConfigError:
        """Return the error that names a bad value; `index` counts the rows of this table from 0."""
        return ConfigError(f"{self.name}, row {self.rows[index]}, {column}: {complaint}")

    def texts(self, column: str) -> list[str]:
        """Return a column of texts.

        Raises:
            ConfigError: a value is missing, empty or not a text.
        """
        for index, value in enumerate(self.columns[column]):
            if not isinstance(value, str):
                raise self.refusal(index, column, f"must be a text, got {value!r}")
            if not value.strip():
                raise self.refusal(index, column, "the text is empty")
        return list(self.columns[column])

    def several_texts(self, key: str, pattern: str) -> list[tuple[str, ...]]:
        """Return the texts of each row, of all columns that match a pattern; a value is a text or a list.

        Empty texts of a list are left out.

        Args:
            key: the config key of the task, for messages.
            pattern: the name of a column, or a shell pattern such as `caption_*`.

        Raises:
            ConfigError: no column matches, or a value is missing, empty or not a text.
        """
        columns = fnmatch.filter(self.columns, pattern)
        if not columns:
            self.require(**{key: pattern})
        rows: list[tuple[str, ...]] = [()] * len(self)
        for column in columns:
            for index, value in enumerate(self.columns[column]):
                items = value if isinstance(value, (list, tuple, np.ndarray)) else [value]
                if wrong := [item for item in items if not isinstance(item, str)]:
                    complaint = f"must be a text or a list of texts, got {wrong[0]!r}"
                    raise self.refusal(index, column, complaint)
                if not (texts := tuple(item for item in items if item.strip())):
                    raise self.refusal(index, column, "the text is empty")
                rows[index] += texts
        return rows

    def labels(self, column: str) -> list[str]:
        """Return the class name of each row; a number without a name is written out.

        Raises:
            ConfigError: a value is missing or empty, or a number that no class has.
        """
        names = self.names.get(column)
        labels = []
        for index, value in enumerate(self.columns[column]):
            if value is None or value != value or not str(value).strip():  # NaN differs from itself
                raise self.refusal(index, column, "the label is missing")
            if names is not None and not 0 <= value < len(names):
                raise self.refusal(index, column, f"no class has the number {value}")
            labels.append(names[value] if names is not None else str(value).strip())
        return labels

    def decoded(self, column: str, decode: Callable[[Any], Any]) -> list[Any]:
        """Apply a function to each value of a column.

        Raises:
            ConfigError: `decode` raised a ValueError; the message names the row and the file.
        """
        values = []
        for index, value in enumerate(self.columns[column]):
            try:
                values.append(decode(value))
            except ValueError as error:
                file = value.get("path") if isinstance(value, Mapping) else value
                subject = file if isinstance(file, (str, Path)) else "it"
                raise self.refusal(index, column, f"{subject} {error}") from error
        return values

    def counts(self, column: str, limits: Sequence[int]) -> list[int]:
        """Return a column of integers, each from 1 to the limit of its row.

        Raises:
            ConfigError: a value is not such an integer.
        """
        for index, (value, limit) in enumerate(zip(self.columns[column], limits, strict=True)):
            if not (isinstance(value, (int, np.integer)) and 1 <= value <= limit):
                raise self.refusal(index, column, f"must be an integer from 1 to {limit}, got {value}")
        return [int(value) for value in self.columns[column]]

    def take(self, indices: Iterable[int]) -> Table:
        """Return the rows at some indices, which count from 0."""
        indices = list(indices)
        columns = {name: [values[i] for i in indices] for name, values in self.columns.items()}
        return dataclasses.replace(self, columns=columns, rows=[self.rows[i] for i in indices])
