"""Splits of a source: those that it has, or splits by hash, without an example in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqlab.data.table import Table
from seqlab.types import ConfigError

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""The names of the splits, and the share of each where splits are made."""


_ALIASES = {
    **dict.fromkeys(("training",), "train"),
    **dict.fromkeys(("valid", "val", "dev"), "validation"),
    **dict.fromkeys(("testing", "eval"), "test"),
}


def split_name(name: str) -> str:
    """Return the split that a name stands for, such as "validation" for "dev"; else the name itself."""
    return _ALIASES.get(name, name)


class Splits(NamedTuple):
    """A source in three parts.

    Attributes:
        tables: the rows of every split.
        duplicates: the number of rows that were dropped because their example occurs in another row.
    """

    tables: dict[str, Table]
    duplicates: int


def split(
    given: Mapping[str, Table], identities: Callable[[Table], Sequence[str]], complete: bool = True
) -> Splits:
    """Make three splits in which every example occurs once.

    Rows of equal identity hold the same example. The first such row of the test split is kept, else the first
    of validation, else the first of training. Splits that the source lacks are taken out of training: the
    SHA-256 of its identity says where a row belongs, so a row stays in its split when rows are added.

    Args:
        given: the tables of the source by split, "train" among them; other names than the three are ignored.
        identities: returns the identity of every row of a table; each run of white space counts as one space.
        complete: False to accept a source without a training split, such as further data to be evaluated;
            there are then only the splits that it has.

    Raises:
        ConfigError: there is no training split, or a split has no rows.
    """
    if complete:
        require_train(given)
    seen: set[str] = set()
    tables, duplicates = {}, 0
    for name in ("test", "validation", "train"):
        if name not in given:
            continue
        unique = []
        for index, identity in enumerate(identities(given[name])):
            identity = " ".join(identity.split())
            if identity not in seen:
                seen.add(identity)
                unique.append((index, identity))
        duplicates += len(given[name]) - len(unique)
        missing = [other for other in SHARES if other not in given] if name == "train" else []
        tables |= _distribute(given[name], unique, [name, *missing])
    for name, table in tables.items():
        if not len(table):
            raise ConfigError(f"{table.name}: its {len(given['train'])} rows leave none for the split {name}")
    return Splits({name: tables[name] for name in SHARES if name in tables}, duplicates)


def require_train(given: Mapping[str, Table]) -> None:
    """Raise ConfigError where a source has no training split."""
    if "train" not in given:
        raise ConfigError(f"task.source has no split train: its splits are {', '.join(given)}")


def digest(array: np.ndarray) -> str:
    """Return an identity for `split` that equal arrays share."""
    return f"{array.shape} {hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()}"


def _distribute(table: Table, unique: Sequence[tuple[int, str]], names: Sequence[str]) -> dict[str, Table]:
    """Distribute rows over splits, train first, by the hash of their identity."""
    indices: dict[str, list[int]] = {name: [] for name in names}
    for index, identity in unique:
        indices[_split_of(identity, names)].append(index)
    return {name: table.take(rows) for name, rows in indices.items()}


def _split_of(identity: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    point = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") / 2**64
    for name in names[1:]:
        if point < SHARES[name]:
            return name
        point -= SHARES[name]
    return names[0]
