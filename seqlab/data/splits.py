"""Splits of a source: those that it has, or splits by hash, without an example in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqlab.data.table import Table
from seqlab.types import ConfigError

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""The names of the splits, and the share of each where splits are made."""
UNLABELLED = ("unsupervised", "unlabeled", "unlabelled")
"""The names of splits that hold no labels; they are left out, and counted."""
_ALIASES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}


def split_name(name: str) -> str:
    """Return the split that a name stands for, such as "validation" for "dev"; else the name itself."""
    return _ALIASES.get(name.lower(), name)


class Row(NamedTuple):
    """What decides to which split a row of a source belongs.

    Attributes:
        identity: equal for two rows of the same example; each run of white space counts as one space.
        group: rows of one group belong to one split, such as those of one speaker; the identity where there
            are no groups.
        labels: what training must have, such as the class of the row.
    """

    identity: str
    group: str
    labels: Collection[str] = ()


class Splits(NamedTuple):
    """A source in three parts.

    Attributes:
        tables: the rows of every split.
        duplicates: the number of rows that were dropped because their example occurs in another row.
        dropped: the number of rows of splits without labels.
    """

    tables: dict[str, Table]
    duplicates: int
    dropped: int = 0


def split(
    given: Mapping[str, Table], describe: Callable[[Table], Sequence[Row]], complete: bool = True
) -> Splits:
    """Make three splits in which every example occurs once.

    Rows of equal identity hold the same example. The first such row of the test split is kept, else the first
    of validation, else the first of training. Splits that the source lacks are taken out of training: the
    SHA-256 of its group, by default its identity, says where a row belongs, so a row stays in its split when
    rows are added. The exception are labels that training would lack: of the rows that have one, the group
    with the least hash moves to training.

    Args:
        given: the tables of the source by split, "train" among them.
        describe: returns what decides, for every row of a table.
        complete: False to accept a source without a training split, such as further data to be evaluated;
            there are then only the splits that it has.

    Raises:
        ConfigError: there is no training split, a name is not that of a split, or a split has no rows.
    """
    require_splits(given, complete)
    seen: set[str] = set()
    tables, duplicates = {}, 0
    for name in ("test", "validation", "train"):
        if name not in given:
            continue
        unique = []
        for index, row in enumerate(describe(given[name])):
            identity = " ".join(row.identity.split())
            if identity not in seen:
                seen.add(identity)
                unique.append((index, row))
        duplicates += len(given[name]) - len(unique)
        missing = [other for other in SHARES if other not in given] if name == "train" else []
        tables |= _distribute(given[name], unique, [name, *missing])
    for name, table in tables.items():
        if not len(table):
            count = sum(map(len, given.values()))
            reason = f"; {duplicates} of them are duplicates" if duplicates else ""
            raise ConfigError(f"{table.name}: its {count} rows leave none for the split {name}{reason}")
    dropped = sum(len(table) for name, table in given.items() if name in UNLABELLED)
    return Splits({name: tables[name] for name in SHARES if name in tables}, duplicates, dropped)


def require_splits(given: Mapping[str, Table], complete: bool = True) -> None:
    """Raise ConfigError where a source has a split whose name means nothing, or none of training.

    Args:
        given: the tables of the source by split.
        complete: False to accept a source without a training split.
    """
    if complete and "train" not in given:
        raise ConfigError(f"task.source has no split train: its splits are {', '.join(given)}")
    if unknown := next((name for name in given if name not in (*SHARES, *UNLABELLED)), None):
        raise ConfigError(
            f"task.source has a split {unknown!r}, which is none of {', '.join(_ALIASES)}: save the splits "
            "that are to be used as files of these names in a folder"
        )


def digest(array: np.ndarray) -> str:
    """Return an identity for `split` that equal arrays share."""
    return f"{array.shape} {hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()}"


def _distribute(table: Table, unique: Sequence[tuple[int, Row]], names: Sequence[str]) -> dict[str, Table]:
    """Distribute rows over splits, train first, by the hash of their group."""
    points = {row.group: _point(row.group) for _, row in unique} if len(names) > 1 else {}
    moved = _moved(unique, points, names)
    indices: dict[str, list[int]] = {name: [] for name in names}
    for index, row in unique:
        name = names[0] if row.group in moved or not points else _split_at(points[row.group], names)
        indices[name].append(index)
    return {name: table.take(rows) for name, rows in indices.items()}


def _moved(
    unique: Sequence[tuple[int, Row]], points: Mapping[str, float], names: Sequence[str]
) -> Collection[str]:
    """Return the groups that move to training, which lacks some of their labels otherwise."""
    known: set[str] = set()
    others: dict[str, list[Row]] = {}
    for _, row in unique if points else ():
        if _split_at(points[row.group], names) == names[0]:
            known.update(row.labels)
        for label in row.labels:
            others.setdefault(label, []).append(row)
    moved: dict[str, Row] = {}
    for label in sorted(others.keys() - known):
        if not any(label in row.labels for row in moved.values()):
            row = min(others[label], key=lambda row: points[row.group])
            moved[row.group] = row
    return moved


def _point(group: str) -> float:
    """Return the hash of a group, in [0, 1)."""
    group = " ".join(group.split())
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64


def _split_at(point: float, names: Sequence[str]) -> str:
    for name in names[1:]:
        if point < SHARES[name]:
            return name
        point -= SHARES[name]
    return names[0]
