"""Rows of a user's file as examples that a network can answer, without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from seqlab.data.table import Table


@runtime_checkable
class ReadsRows(Protocol):
    """A task whose networks can answer the rows of a file that has no labels."""

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        """Return what `Task.read_input` takes of each row, by the name of the row.

        Raises:
            ConfigError: the column that is read is missing.
        """
        ...


def column_inputs(table: Table, key: str, column: str) -> dict[str, Any]:
    """Return the values of a column by the number of their row; lists that a cell writes are lists.

    Args:
        table: the rows.
        key: the config key of the task that names the column.
        column: its name.

    Raises:
        ConfigError: there is no such column.
    """
    table.require(**{key: column})
    values = table.columns[column] if key == "text" else table.lists(column)
    return {f"row {row}": value for row, value in zip(table.rows, values, strict=True)}
