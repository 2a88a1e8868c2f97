"""Finite automata of regular languages, and their strings of each length."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

DEAD = -1
"""What a transition leads to where no string of the language goes on."""


@dataclasses.dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton that starts in state 0.

    Attributes:
        symbols: a letter for each symbol.
        transitions: the next state for each state and symbol, or `DEAD`; from each state a string of the
            language goes on or ends.
        accepting: the states in which strings of the language end.
    """

    symbols: str
    transitions: tuple[tuple[int, ...], ...]
    accepting: tuple[int, ...]

    @functools.cached_property
    def legal(self) -> np.ndarray:
        """Which symbols may follow each state, and whether the string may end there: bool `(Q, A + 1)`."""
        ends = [[state in self.accepting] for state in range(len(self.transitions))]
        return np.concatenate([np.array(self.transitions) != DEAD, np.array(ends)], axis=1)

    def lengths(self, length: int) -> np.ndarray:
        """Return whether there is a string of each length up to `length`, bool `(length + 1,)`."""
        return _counts(self, length)[:, 0] > 0

    def distributions(self, length: int) -> np.ndarray:
        """Return the cumulative probabilities of the next symbol of a string that is drawn uniformly.

        Args:
            length: the largest number of symbols that are to follow.

        Returns:
            float32 `(length + 1, Q, A)`, by the number of symbols that follow and by state; 1 where there is
            no string of this number.
        """
        following, counts = np.array(self.transitions), _counts(self, length)
        weights = np.where(following == DEAD, 0.0, counts[:-1][:, following])
        totals = np.cumsum(weights, axis=-1)
        last = totals[..., -1:]
        shares = np.divide(totals, last, out=np.ones_like(totals), where=last > 0)
        return np.concatenate([np.ones_like(shares[:1]), shares]).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _counts(automaton: Automaton, length: int) -> np.ndarray:
    """Return how many strings of each length up to `length` lead from each state to an accepting one.

    Returns:
        float64 `(length + 1, Q)`; the counts of each length are divided by the largest of them.
    """
    following = np.array(automaton.transitions)
    found = [automaton.legal[:, -1].astype(float)]
    for _ in range(length):
        after = np.where(following == DEAD, 0.0, found[-1][following]).sum(axis=1)
        found.append(after / max(1.0, after.max()))
    return np.stack(found)


def _cycle(word: str) -> Automaton:
    """Return the automaton of the repetitions of a word, with a symbol for each letter."""
    symbols = "".join(sorted(set(word)))
    rows = (
        tuple((state + 1) % len(word) if symbol == letter else DEAD for symbol in symbols)
        for state, letter in enumerate(word)
    )
    return Automaton(symbols, tuple(rows), (0,))


def _nested(depth: int) -> Automaton:
    """Return the automaton of D_n = (a D_{n−1} b)*, with D_0 empty: the state is the number of open a's."""
    rows = ((state + 1 if state < depth else DEAD, state - 1) for state in range(depth + 1))
    return Automaton("ab", tuple(rows), (0,))


def _in_order(letters: str) -> Automaton:
    """Return the automaton of one or more of each letter, in order."""
    rows: list[Sequence[int]] = []
    for state in range(len(letters) + 1):
        stays, goes = {state - 1: state}, {state: state + 1}
        rows.append([(stays | goes).get(symbol, DEAD) for symbol in range(len(letters))])
    return Automaton(letters, tuple(map(tuple, rows)), (len(letters),))


AUTOMATA: Mapping[str, Automaton] = {
    "tomita_1": Automaton("01", ((DEAD, 0),), (0,)),
    "tomita_2": Automaton("01", ((DEAD, 1), (0, DEAD)), (0,)),
    "tomita_3": Automaton("01", ((0, 1), (2, 0), (3, DEAD), (2, 1)), (0, 1, 3)),
    "tomita_4": Automaton("01", ((1, 0), (2, 0), (DEAD, 0)), (0, 1, 2)),
    "tomita_5": Automaton("01", ((2, 1), (3, 0), (0, 3), (1, 2)), (0,)),
    "tomita_6": Automaton("01", ((1, 2), (2, 0), (0, 1)), (0,)),
    "tomita_7": Automaton("01", ((0, 1), (2, 1), (2, 3), (DEAD, 3)), (0, 1, 2, 3)),
    "parity": Automaton("01", ((0, 1), (1, 0)), (0,)),
    "aa": _cycle("aa"),
    "aaaa": _cycle("aaaa"),
    "abab": _cycle("abab"),
    "d_2": _nested(2),
    "d_4": _nested(4),
    "d_12": _nested(12),
    "in_order": _in_order("abcde"),
    "one_d": Automaton("abcd", ((0, 0, DEAD, 1), (DEAD, 1, 1, DEAD)), (1,)),
    "zero_then_twos": Automaton("012", ((1, 0, 0), (1, 0, 1)), (1,)),
}
"""The regular languages by name; `RegularLanguage` defines each."""
