"""Corpus: a data set that is read by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqlab.data.corpora.wheel import Wheel
from seqlab.data.table import Table

Columns = dict[str, list[Any]]
"""The values of each column."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A data set that is read by its name.

    Attributes:
        read: returns the columns of the whole corpus; or, where it has splits, of the split that it is given.
        origin: where the data come from, in words.
        licence: of the data.
        wheel: what must be downloaded first; None for nothing.
        cached: returns the file that later reads use, where the first read is slow; None where it is not.
        splits: the splits of the corpus; none where it is one table.
    """

    read: Callable[..., Columns]
    origin: str
    licence: str
    wheel: Wheel | None = None
    cached: Callable[[], Path] | None = None
    splits: tuple[str, ...] = ()

    def tables(self, name: str) -> dict[str, Table]:
        """Read the corpus: a table for each split, "train" alone where it has none."""
        if not self.splits:
            return {"train": Table.of(name, self.read())}
        return {split: Table.of(f"{name} ({split})", self.read(split)) for split in self.splits}
