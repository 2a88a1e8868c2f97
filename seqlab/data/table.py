"""Tables whose values remember their row in the source, for messages of one line."""

from __future__ import annotations

import ast
import dataclasses
import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.tokenization import normalized
from seqlab.types import ConfigError, DataError

_UNLABELLED = -1
"""The number of the class that data sets of the hub give to rows without a label."""


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
    def of(
        cls,
        name: str,
        columns: Mapping[str, Sequence[Any]],
        names: Mapping[str, Sequence[str]] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Table:
        """Return a table of a source.

        Args:
            name: the file or the data set.
            columns: the values of each column. A column of objects, such as `{"en": …, "fr": …}`, becomes a
                column for each key, `column.key`; files `{"bytes": …, "path": …}` stay whole.
            names: the class names of the columns that hold class numbers.
            rows: the number of each row in its source; 1, 2, … by default.
        """
        rows = range(1, 1 + len(next(iter(columns.values())))) if rows is None else rows
        flat = {normalized(key): values for key, values in _flat(columns).items()}
        return cls(name, flat, rows, {normalized(key): found for key, found in (names or {}).items()})

    def __len__(self) -> int:
        return len(self.rows)

    def require(self, **columns: str) -> None:
        """Raise ConfigError where a column is missing; `columns` maps config keys of the task to columns."""
        for key, column in columns.items():
            if normalized(column) not in self.columns:
                raise ConfigError(
                    f"task.{key}={column} is not a column of {self.name}: its columns are "
                    + ", ".join(self.columns)
                )

    def refusal(self, index: int, column: str, complaint: str) -> DataError:
        """Return the error that names a bad value; `index` counts the rows of this table from 0."""
        return DataError(f"{self.name}, row {self.rows[index]}, {column}: {complaint}")

    def texts(self, column: str) -> list[str]:
        """Return a column of texts, in Unicode's normal form C.

        Raises:
            ConfigError: a value is missing, empty or not a text.
        """
        for index, value in enumerate(self.columns[column]):
            if not isinstance(value, str):
                raise self.refusal(index, column, f"must be a text, got {value!r}")
            if not value.strip():
                raise self.refusal(index, column, "the text is empty")
        return [normalized(value) for value in self.columns[column]]

    def lists(self, column: str) -> list[Any]:
        """Return a column of lists; a text that writes a list, as a cell of a `.csv` does, becomes a list.

        Every other value is returned as it is. Texts within lists are in Unicode's normal form C.

        Raises:
            ConfigError: a text begins as a list, but cannot be read as one.
        """
        values = []
        for index, value in enumerate(self.columns[column]):
            if isinstance(value, str) and value.lstrip().startswith("["):
                try:
                    value = read_list(value)
                except ValueError as error:
                    raise self.refusal(index, column, str(error)) from error
            if isinstance(value, (list, tuple)):
                value = [normalized(item) if isinstance(item, str) else item for item in value]
            values.append(value)
        return values

    def several_texts(self, key: str, pattern: str) -> list[tuple[str, ...]]:
        """Return the texts of each row, of all columns that match a pattern; a value is a text or a list.

        Empty texts of a list are left out. A text that writes a list of texts, as a cell of a `.csv` does, is
        read as the list.

        Args:
            key: the config key of the task, for messages.
            pattern: the name of a column, or a shell pattern such as `caption_*`.

        Raises:
            ConfigError: no column matches, or a value is missing, empty or not a text.
        """
        pattern = normalized(pattern)
        columns = [pattern] if pattern in self.columns else fnmatch.filter(self.columns, pattern)
        if not columns:
            self.require(**{key: pattern})
        rows: list[tuple[str, ...]] = [()] * len(self)
        for column in columns:
            for index, value in enumerate(self.columns[column]):
                items = _texts_of(value)
                if wrong := [item for item in items if not isinstance(item, str)]:
                    complaint = f"must be a text or a list of texts, got {wrong[0]!r}"
                    raise self.refusal(index, column, complaint)
                if not (texts := tuple(item for item in items if item.strip())):
                    raise self.refusal(index, column, "the text is empty")
                rows[index] += tuple(map(normalized, texts))
        return rows

    def labels(self, column: str) -> list[str]:
        """Return the class name of each row; a number without a name is written out.

        Raises:
            ConfigError: a value is missing or empty, or a number that no class has.
        """
        names = self.names.get(column)
        labels = []
        if all(_is_missing(value) or (names and value == _UNLABELLED) for value in self.columns[column]):
            raise ConfigError(
                f"{self.name}: {column} holds no labels, so its rows cannot be used; leave it out"
            )
        for index, value in enumerate(self.columns[column]):
            if _is_missing(value):
                raise self.refusal(index, column, "the label is missing")
            if names is not None and not 0 <= value < len(names):
                raise self.refusal(index, column, f"no class has the number {value}")
            label = str(value).strip() if names is None else str(names[value])
            labels.append(normalized(label))
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


def read_list(text: str) -> list[Any]:
    """Return the list that a text writes, in JSON or as Python does.

    Raises:
        ValueError: the text writes no list; the message shows what would.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None if re.search(r"['\"]\s+['\"]", text) else _literal(text)
    if not isinstance(found, list):
        raise ValueError(f'is no list such as ["EU", "rejects"] or [1, 2.5], got {text!r:.60}')
    return found


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _texts_of(value: Any) -> Sequence[Any]:
    """Return the texts of a value that is a text, a list of texts, or a text that writes such a list."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return list(value)
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            found = read_list(value)
        except ValueError:
            found = []
        if found and all(isinstance(item, str) for item in found):
            return found
    return [value]


def _is_missing(value: Any) -> bool:
    return value is None or value != value or not str(value).strip()  # NaN differs from itself


def _flat(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return columns, those of objects as a column for each of their keys."""
    flat: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        keys = _keys(values)
        if keys is None:
            flat[str(name)] = values
            continue
        inner = {key: [None if value is None else value.get(key) for value in values] for key in keys}
        flat |= {f"{name}.{key}": part for key, part in _flat(inner).items()}
    return flat


def _keys(values: Sequence[Any]) -> list[str] | None:
    """Return the keys of a column of objects; None for any other column."""
    if isinstance(values, np.ndarray) or not all(v is None or isinstance(v, Mapping) for v in values):
        return None
    keys = list(dict.fromkeys(key for value in values if value is not None for key in value))
    return keys if keys and set(keys) != {"bytes", "path"} else None
