"""Columns of texts and of lists of tokens, which a network reads as numbers of tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.padding import pad
from seqlab.data.table import Table
from seqlab.data.tokenization import BYTES, normalized, tokenize
from seqlab.data.vocabulary import Vocabulary, require_known_words, share_unknown
from seqlab.types import ConfigError


class Text(NamedTuple):
    """A text and its tokens."""

    text: str
    tokens: list[str]


@dataclasses.dataclass(frozen=True)
class Texts(Column[Text]):
    """Column of texts: int32 `tokens` `(N, T)` and `lengths` `(N,)`; artifact `tokens`.

    Attributes:
        level: one of `data.tokenization.LEVELS`.
        length: the number of tokens that are read of a text at most, T.
        max_tokens: the largest number of tokens in the vocabulary.
        min_count: how often a token of the vocabulary must occur in training.
        lower: whether words are read in lower case.
    """

    symbols: ClassVar[tuple[str, ...]] = ("tokens",)

    level: str
    length: int
    max_tokens: int
    min_count: int = 2
    lower: bool = False

    def read(self, table: Table) -> list[Text]:
        return [Text(text, self.tokenize(text)) for text in table.texts(self.name)]

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of a text in normal form C, of any number."""
        return tokenize(text.lower() if self.lower and self.level == "word" else text, self.level)

    def identity(self, value: Text) -> str:
        return value.text

    def fit(self, train: Table) -> Artifacts:
        if self.level == "byte":
            return {"tokens": list(BYTES)}
        tokens = (value.tokens for value in train.columns[self.key])
        return {"tokens": list(Vocabulary.fit(tokens, self.max_tokens, self.min_count).symbols)}

    def unknown(self, arrays: Arrays) -> float:
        return share_unknown(arrays["tokens"], arrays["lengths"])

    def require_known(self, train: Table, artifacts: Artifacts) -> None:
        if self.level == "word":
            require_known_words(
                train, self.name, [value.tokens for value in train.columns[self.key]], artifacts["tokens"]
            )

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        vocabulary = vocabulary_of(artifacts)
        return {
            name: _padded([value.tokens for value in table.columns[self.key]], vocabulary, self.length)
            for name, table in tables.items()
        }

    def cut(self, values: Sequence[Text]) -> np.ndarray:
        return np.array([len(value.tokens) > self.length for value in values], bool)

    def texts(self, value: Text) -> str:
        return value.text


@dataclasses.dataclass(frozen=True)
class TokenLists(Column[list[str]]):
    """Column of lists of tokens: int32 `tokens` `(N, T)` and `lengths` `(N,)`; artifact `tokens`.

    Attributes:
        length: the number of tokens that are read of a list at most, T.
        max_tokens: the largest number of tokens in the vocabulary; each must occur twice in training.
    """

    symbols: ClassVar[tuple[str, ...]] = ("tokens",)

    length: int
    max_tokens: int

    def read(self, table: Table) -> list[list[str]]:
        lists = table.lists(self.name)
        for index, value in enumerate(lists):
            if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
                raise table.refusal(index, self.name, f"must be a list of texts, got {value!r:.60}")
        return lists

    def identity(self, value: list[str]) -> str:
        return " ".join(value)

    def fit(self, train: Table) -> Artifacts:
        vocabulary = Vocabulary.fit(train.columns[self.key], self.max_tokens, min_count=2)
        return {"tokens": list(vocabulary.symbols)}

    def unknown(self, arrays: Arrays) -> float:
        return share_unknown(arrays["tokens"], arrays["lengths"])

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        vocabulary = vocabulary_of(artifacts)
        return {
            name: _padded(table.columns[self.key], vocabulary, self.length) for name, table in tables.items()
        }

    def cut(self, values: Sequence[list[str]]) -> np.ndarray:
        return np.array([len(value) > self.length for value in values], bool)


def vocabulary_of(artifacts: Artifacts) -> Vocabulary:
    """Return the vocabulary of the tokens that a network reads."""
    return Vocabulary(tuple(artifacts["tokens"]))


def token_list(value: Any, tokenize: Callable[[str], list[str]]) -> list[str]:
    """Return a list of tokens, or the tokens of a text.

    Raises:
        ConfigError: the value is neither.
    """
    if isinstance(value, str):
        return tokenize(normalized(value))
    if not isinstance(value, (list, tuple, np.ndarray)) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"prompt must be a text or a list of tokens, got {value!r:.60}")
    return [normalized(item) for item in value]


def _padded(rows: Sequence[Sequence[str]], vocabulary: Vocabulary, length: int) -> dict[str, np.ndarray]:
    tokens, lengths = pad([vocabulary.encode(row) for row in rows], length)
    return {"tokens": tokens, "lengths": lengths}
