"""Which rows are for training, which for judging? Splits as given or by hash, no example in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqlab.data.table import Table
from seqlab.types import ConfigError

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""The share of each split where it is made."""


class Splits(NamedTuple):
    """A source in three parts.

    Attributes:
        tables: the rows of every split.
        duplicates: how many rows were dropped because their example occurs elsewhere.
    """

    tables: dict[str, Table]
    duplicates: int


class Example(NamedTuple):
    """What is read of a row.

    Attributes:
        values: an array.
        digest: a text that is the same where two rows are one example: the `digest` of the values, or of what
            they are computed from, where machines may round otherwise.
    """

    values: np.ndarray
    digest: str

    @classmethod
    def of(cls, values: np.ndarray) -> Example:
        """Return values that are read as they are."""
        return cls(values, digest(values))


def split(given: Mapping[str, Table], examples: Callable[[Table], Sequence[str]]) -> Splits:
    """Make three splits in which every example occurs once.

    Of rows with the same example the test split keeps the first, before validation and training. What is not
    given is taken out of training: a row goes where the SHA-256 of its example says, so that it stays there
    when others are added.

    Args:
        given: the tables that the source has, by split, "train" among them; others than the three are left
            out.
        examples: returns the text of each row that makes two of them one example; white space is one space.

    Raises:
        ConfigError: there is no training split, or a split is without rows.
    """
    if "train" not in given:
        named = ", ".join(given)
        raise ConfigError(f"task.source has no split train: its splits are {named}")
    seen: set[str] = set()
    tables, duplicates = {}, 0
    for name in ("test", "validation", "train"):
        if name not in given:
            continue
        kept = []
        for index, text in enumerate(examples(given[name])):
            words = " ".join(text.split())
            if words not in seen:
                seen.add(words)
                kept.append((index, words))
        duplicates += len(given[name]) - len(kept)
        missing = [other for other in SHARES if other not in given] if name == "train" else []
        tables |= _parted(given[name], kept, [name, *missing])
    for name, table in tables.items():
        if not len(table):
            raise ConfigError(f"{table.name}: its {len(given['train'])} rows leave none for the split {name}")
    return Splits({name: tables[name] for name in SHARES}, duplicates)


def digest(array: np.ndarray) -> str:
    """Return a text that makes two arrays one example where they are equal."""
    return f"{array.shape} {hashlib.sha256(np.ascontiguousarray(array)).hexdigest()}"


def _parted(table: Table, kept: Sequence[tuple[int, str]], names: Sequence[str]) -> dict[str, Table]:
    """Share rows out among splits, train first, by the hashes of their examples."""
    indices: dict[str, list[int]] = {name: [] for name in names}
    for index, words in kept:
        indices[_place(words, names)].append(index)
    return {name: table.take(rows) for name, rows in indices.items()}


def _place(words: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    point = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") / 2**64
    for name in names[1:]:
        if point < SHARES[name]:
            return name
        point -= SHARES[name]
    return names[0]
