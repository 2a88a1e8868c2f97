"""Numbered laws, and the error that says which one is broken."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any, overload

import jax
import numpy as np

from seqlab.types import Tree


class BrokenLawError(AssertionError):
    """A law that a class breaks; the message has its number, its name, its statement and what was seen."""


@dataclasses.dataclass(frozen=True)
class Law:
    """One law of a kind of class.

    Attributes:
        kind: such as "cell".
        number: its place in the list, from 1.
        name: in words.
        statement: the law as one sentence.
        check: raises an error where the law does not hold.
    """

    kind: str
    number: int
    name: str
    statement: str
    check: Callable[..., None]

    def __call__(self, *subject: Any) -> None:
        """Check the law.

        Raises:
            BrokenLawError: it does not hold, or its check fails with any error.
        """
        try:
            self.check(*subject)
        except Exception as error:
            seen = str(error) if isinstance(error, BrokenLawError) else f"{type(error).__name__}: {error}"
            where = ", ".join(part if isinstance(part, str) else type(part).__name__ for part in subject)
            title = f"{self.kind} law {self.number} ({self.name}) is broken by {where}"
            raise BrokenLawError(f"{title}. {self.statement} Seen: {seen}") from error

    def __str__(self) -> str:
        return f"{self.number}-{self.name}".replace(" ", "-")


class Laws(Sequence[Law]):
    """The laws of a kind of class, in order."""

    def __init__(self, kind: str) -> None:
        """Start without a law."""
        self._kind = kind
        self._laws: list[Law] = []

    def add(self, check: Callable[..., None]) -> Law:
        """Add a law: a function whose name is the law's and whose docstring begins with its statement."""
        name = check.__name__.replace("_", " ")
        statement = " ".join((inspect.getdoc(check) or "").partition("\n\n")[0].split())
        law = Law(self._kind, len(self._laws) + 1, name, statement, check)
        self._laws.append(law)
        return law

    @overload
    def __getitem__(self, index: int) -> Law: ...
    @overload
    def __getitem__(self, index: slice) -> list[Law]: ...
    def __getitem__(self, index: int | slice) -> Law | list[Law]:
        return self._laws[index]

    def __len__(self) -> int:
        return len(self._laws)

    def check(self, *subject: Any) -> None:
        """Check every law, in order.

        Raises:
            BrokenLawError: the first law that does not hold.
        """
        for law in self._laws:
            law(*subject)


def require(holds: Any, seen: str) -> None:
    """Raise BrokenLawError with what was seen, unless a condition holds."""
    if not holds:
        raise BrokenLawError(seen)


def require_equal_by_value(thing: Any) -> None:
    """Raise BrokenLawError where a copy of an object is not equal to it, or has another hash."""
    other = copy.copy(thing)
    require(
        thing == other and hash(thing) == hash(other), "a copy differs from the original or has another hash"
    )


def same(left: Tree, right: Tree) -> bool:
    """Return whether two trees of arrays are equal bit for bit."""
    return jax.tree.all(jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), left, right))


def difference(left: Tree, right: Tree) -> float:
    """Return the largest difference between two trees, relative where values are large; NaN for a NaN."""

    def gap(a: Any, b: Any) -> float:
        a, b = np.asarray(a), np.asarray(b)  # in NumPy, as JAX would compile a program for each shape
        return float(np.max(np.abs(a - b) / np.maximum(1, np.abs(b))))

    return max(jax.tree.leaves(jax.tree.map(gap, left, right)))


def require_close(left: Tree, right: Tree, limit: float, what: str) -> None:
    """Raise BrokenLawError where two trees differ by a limit or more."""
    gap = difference(left, right)
    require(gap < limit, f"{what} differ by {gap:.2g}, more than {limit:g}")
