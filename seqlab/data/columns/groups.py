"""Column of groups, such as speakers or patients: rows of one group belong to one split."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.table import Table


@dataclasses.dataclass(frozen=True)
class Groups(Column[str]):
    """Column of groups, which no network reads; splits that are made do not divide a group."""

    groups: ClassVar[bool] = True

    def read(self, table: Table) -> list[str]:
        return table.labels(self.name)

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        return {name: {} for name in tables}


def groups_of(name: str | None) -> tuple[Groups, ...]:
    """Return the column of groups of a task whose key `group` is a name, or nothing where it is None."""
    return () if name is None else (Groups("group", name),)
