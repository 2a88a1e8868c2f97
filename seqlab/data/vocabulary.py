"""Vocabulary: a number for each symbol, and one number for all unknown symbols."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from seqlab.data.table import Table
from seqlab.types import ConfigError

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""How the unknown symbol is shown."""
_LEAST_KNOWN = 0.25
"""The share of the words of training that must be known: a network cannot tell the others apart."""


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


def share_unknown(numbers: np.ndarray, lengths: np.ndarray) -> float:
    """Return the share of unknown symbols among the real ones.

    Args:
        numbers: int `(N, T)`, 0 for the unknown symbol.
        lengths: int `(N,)`.
    """
    real = np.arange(numbers.shape[1]) < lengths[:, None]
    return round(float((numbers == 0)[real].mean()), 4) if real.any() else 0.0


def require_known_words(
    train: Table, column: str, rows: Iterable[Iterable[str]], vocabulary: Collection[str]
) -> None:
    """Raise ConfigError where few words of training are in a vocabulary, such as in Chinese or in DNA.

    Args:
        train: the training split, for the message.
        column: the column of texts.
        rows: the words and signs of each text; only words count.
        vocabulary: the known words.
    """
    counts = collections.Counter(word for row in rows for word in row if word[0].isalpha())
    total, known = sum(counts.values()), set(vocabulary)
    share = sum(count for word, count in counts.items() if word in known) / total if total else 1.0
    if share < _LEAST_KNOWN:
        raise ConfigError(
            f"task.level=word does not fit {column} of {train.name}: {1 - share:.0%} of its words occur once "
            "in training, so they are unknown; use task.level=character"
        )
