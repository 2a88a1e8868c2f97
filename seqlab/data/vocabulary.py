"""Which number stands for which word? Made from the training split, kept with the run."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Iterable, Sequence

import numpy as np

UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Symbols by number: 0 stands for every symbol that is not among them.

    Attributes:
        symbols: those that have a number of their own, from 1.
    """

    symbols: tuple[str, ...]

    @classmethod
    def of(cls, sequences: Iterable[Iterable[str]], most: int, least: int = 1) -> Vocabulary:
        """Take the most frequent symbols of some sequences; of equals the lesser.

        Args:
            sequences: of symbols.
            most: how many symbols are taken, at most.
            least: how often one has to occur. Above 1, what stands for the unknown is met in training too.
        """
        counts = collections.Counter(symbol for sequence in sequences for symbol in sequence)
        often = (symbol for symbol, count in counts.items() if count >= least)
        ranked = sorted(often, key=lambda symbol: (-counts[symbol], symbol))
        return cls(tuple(ranked[:most]))

    def __len__(self) -> int:
        return 1 + len(self.symbols)

    @functools.cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each symbol."""
        return {symbol: number for number, symbol in enumerate(self.symbols, 1)}

    def encode(self, symbols: Sequence[str]) -> np.ndarray:
        """Return the numbers of some symbols, int32 `(T,)`."""
        return np.array([self.numbers.get(symbol, 0) for symbol in symbols], np.int32)

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Return the symbols of some numbers, `UNKNOWN` for 0."""
        every = (UNKNOWN, *self.symbols)
        return [every[number] for number in numbers]
