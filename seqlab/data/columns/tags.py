"""Column of lists of tags, one tag for each token."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.padding import pad
from seqlab.data.span_schemes import scheme_of
from seqlab.data.table import Table


@dataclasses.dataclass(frozen=True)
class Tags(Column[list[str]]):
    """Column of lists of tags: int32 `tags` `(N, T)`.

    Artifacts `tags`, in alphabetical order, and `scheme`, the name of the scheme by which they mark spans, or
    nothing (`data.span_schemes`).

    Attributes:
        tokens: the column of the tokens that are tagged.
        length: the number of tags of a list at most, T.
    """

    symbols: ClassVar[tuple[str, ...]] = ("tags",)

    tokens: str
    length: int

    def read(self, table: Table) -> list[list[str]]:
        names, rows = table.names.get(self.name), []
        values = zip(table.lists(self.name), table.lists(self.tokens), strict=True)
        for index, (value, tokens) in enumerate(values):
            if not isinstance(value, list) or len(value) != len(tokens):
                raise table.refusal(index, self.name, f"must be a list of {len(tokens)} tags, one a token")
            if None in value:
                missing = tokens[value.index(None)]
                raise table.refusal(index, self.name, f"the tag of {missing!r} is missing")
            try:
                rows.append([str(tag).strip() if names is None else names[tag] for tag in value])
            except (IndexError, TypeError) as error:
                legal = ", ".join(names or ())
                raise table.refusal(index, self.name, f"must be numbers of {legal}") from error
        return rows

    def labels(self, value: list[str]) -> Collection[str]:
        return frozenset(value)

    def fit(self, train: Table) -> Artifacts:
        rows = train.columns[self.key]
        scheme = scheme_of(rows)
        return {
            "tags": sorted({tag for row in rows for tag in row}),
            "scheme": [] if scheme is None else [scheme],
        }

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        tags = artifacts["tags"]
        return {name: {"tags": self._numbers(table, tags)} for name, table in tables.items()}

    def _numbers(self, table: Table, tags: Sequence[str]) -> np.ndarray:
        numbers = {tag: number for number, tag in enumerate(tags)}
        rows = table.columns[self.key]
        for index, row in enumerate(rows):
            if unknown := next((tag for tag in row if tag not in numbers), None):
                complaint = f"{unknown!r} is not a tag of the training split: {', '.join(tags)}"
                raise table.refusal(index, self.name, complaint)
        encoded = [np.array([numbers[tag] for tag in row], np.int32) for row in rows]
        return pad(encoded, self.length)[0]
