"""Vocabulary: a number for each symbol, and one number for all unknown symbols."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Iterable, Sequence

import numpy as np

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""How the unknown symbol is shown."""


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Symbols by number; number 0 stands for every symbol that is not in the vocabulary.

    Attributes:
        symbols: the known symbols; the first has number 1.
    """

    symbols: tuple[str, ...]

    @classmethod
    def fit(cls, sequences: Iterable[Iterable[str]], max_symbols: int, min_count: int = 1) -> Vocabulary:
        """Take the most frequent symbols; symbols of equal frequency are ordered alphabetically.

        Args:
            sequences: sequences of symbols.
            max_symbols: the largest number of symbols to take.
            min_count: how often a symbol must occur. Above 1, the unknown symbol occurs in training too.
        """
        counts = collections.Counter(symbol for sequence in sequences for symbol in sequence)
        frequent = (symbol for symbol, count in counts.items() if count >= min_count)
        ranked = sorted(frequent, key=lambda symbol: (-counts[symbol], symbol))
        return cls(tuple(ranked[:max_symbols]))

    def __len__(self) -> int:
        return 1 + len(self.symbols)

    @functools.cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each known symbol."""
        return {symbol: number for number, symbol in enumerate(self.symbols, 1)}

    def encode(self, symbols: Sequence[str]) -> np.ndarray:
        """Return the numbers of a sequence of symbols, int32 `(T,)`."""
        return np.array([self.numbers.get(symbol, 0) for symbol in symbols], np.int32)

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Return the symbols of a sequence of numbers, `UNKNOWN` for 0."""
        symbols = (UNKNOWN, *self.symbols)
        return [symbols[number] for number in numbers]
