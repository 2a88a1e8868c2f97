"""Columns of texts that a network writes, each with an end symbol."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.padding import pad
from seqlab.data.scripts import judge_of
from seqlab.data.table import Table
from seqlab.data.tokenization import BYTES, detokenize, tokenize
from seqlab.data.vocabulary import Vocabulary, require_known_words, share_unknown


class Target(NamedTuple):
    """The texts that are right for an example, at least one, and the tokens of each."""

    texts: tuple[str, ...]
    tokens: tuple[list[str], ...]


@dataclasses.dataclass(frozen=True)
class Writing:
    """How texts are written: tokens, then an end symbol, which has the number after those of the vocabulary.

    Attributes:
        level: one of `data.tokenization.LEVELS`.
        length: the number of tokens that are written at most, the end symbol included, M.
        max_tokens: the largest number of tokens in the vocabulary; a word must occur twice in training.
    """

    level: str
    length: int
    max_tokens: int

    def read(self, texts: Sequence[str]) -> Target:
        """Return a target of some texts."""
        return Target(tuple(texts), tuple(tokenize(text, self.level) for text in texts))

    def fit(self, texts: Sequence[str], tokens: Sequence[list[str]]) -> Artifacts:
        """Fit the vocabulary to the texts of the training split; bytes are always known.

        Returns:
            The artifacts `targets` and `judge`, what `data.scripts.judge_of` says.
        """
        judge = list(judge_of(texts))
        if self.level == "byte":
            return {"targets": list(BYTES), "judge": judge}
        vocabulary = Vocabulary.fit(tokens, self.max_tokens, min_count=2 if self.level == "word" else 1)
        return {"targets": list(vocabulary.symbols), "judge": judge}

    def encode(self, rows: Sequence[list[str]], artifacts: Artifacts) -> tuple[np.ndarray, np.ndarray]:
        """Return M − 1 tokens of each text and the end symbol, int32 `(N, M)`, and lengths `(N,)`."""
        vocabulary = target_vocabulary(artifacts)
        end = np.array([len(vocabulary)], np.int32)
        encoded = [np.append(vocabulary.encode(tokens)[: self.length - 1], end) for tokens in rows]
        return pad(encoded, self.length)

    def decode(self, numbers: np.ndarray, artifacts: Artifacts) -> str:
        """Return the text of the numbers `(·,)` before the first end symbol."""
        vocabulary = target_vocabulary(artifacts)
        written, end = np.ravel(numbers).tolist(), len(vocabulary)
        return detokenize(vocabulary.decode(written[: [*written, end].index(end)]), self.level)

    def require_known(
        self, table: Table, column: str, rows: Sequence[list[str]], artifacts: Artifacts
    ) -> None:
        """Raise ConfigError where most words of training are unknown."""
        if self.level == "word":
            require_known_words(table, column, rows, artifacts["targets"])

    def normalized(self, text: str) -> str:
        """Return a text as a network that makes no mistake would write it."""
        return detokenize(tokenize(text, self.level), self.level)


def target_vocabulary(artifacts: Artifacts) -> Vocabulary:
    """Return the vocabulary of the tokens that a network writes."""
    return Vocabulary(tuple(artifacts["targets"]))


@dataclasses.dataclass(frozen=True)
class Targets(Column[Target]):
    """Column of texts to write, one example a row: int32 `targets` `(N, M)` and `target_lengths` `(N,)`.

    A value is a text, or a list of texts that are right; the first is encoded. Rows of one example have the
    texts of all of them. The name may be a shell pattern of several columns. Artifacts: those of `Writing`.

    Attributes:
        writing: how a text is written.
    """

    symbols: ClassVar[tuple[str, ...]] = ("targets",)

    writing: Writing

    def require(self, table: Table) -> None:
        """Say nothing here: `read` reports a pattern that matches no column."""

    def read(self, table: Table) -> list[Target]:
        return [self.writing.read(texts) for texts in table.several_texts(self.key, self.name)]

    def merge(self, values: Sequence[Target]) -> Target:
        return _merged(values)

    def fit(self, train: Table) -> Artifacts:
        texts, tokens = zip(*((v.texts[0], v.tokens[0]) for v in train.columns[self.key]), strict=True)
        return self.writing.fit(texts, tokens)

    def unknown(self, arrays: Arrays) -> float:
        return share_unknown(arrays["targets"], arrays["target_lengths"])

    def require_known(self, train: Table, artifacts: Artifacts) -> None:
        rows = [value.tokens[0] for value in train.columns[self.key]]
        self.writing.require_known(train, self.name, rows, artifacts)

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        arrays = {}
        for name, table in tables.items():
            rows = [value.tokens[0] for value in table.columns[self.key]]
            targets, lengths = self.writing.encode(rows, artifacts)
            arrays[name] = {"targets": targets, "target_lengths": lengths}
        return arrays

    def cut(self, values: Sequence[Target]) -> np.ndarray:
        return np.array([len(value.tokens[0]) >= self.writing.length for value in values], bool)

    def texts(self, value: Target) -> tuple[str, ...]:
        return value.texts


@dataclasses.dataclass(frozen=True)
class EveryTarget(Column[Target]):
    """Column of texts to write, an example for each text of a row: int32 `targets` `(P, M)`.

    The first text of every row comes before all second ones, and so on. int32 `target_lengths` `(P,)` and
    `row` `(P,)`, the row of each text. Rows of one example have the texts of all of them. The name may be a
    shell pattern of several columns. Artifacts: those of `Writing`.

    Attributes:
        writing: how a text is written.
    """

    symbols: ClassVar[tuple[str, ...]] = ("targets",)

    writing: Writing

    def require(self, table: Table) -> None:
        """Say nothing here: `read` reports a pattern that matches no column."""

    def read(self, table: Table) -> list[Target]:
        rows = table.several_texts(self.key, self.name)
        return [self.writing.read(tuple(dict.fromkeys(texts))) for texts in rows]

    def merge(self, values: Sequence[Target]) -> Target:
        return _merged(values)

    def fit(self, train: Table) -> Artifacts:
        texts = [text for value in train.columns[self.key] for text in value.texts]
        return self.writing.fit(texts, [tokens for _, tokens in _in_turn(train.columns[self.key])])

    def unknown(self, arrays: Arrays) -> float:
        return share_unknown(arrays["targets"], arrays["target_lengths"])

    def require_known(self, train: Table, artifacts: Artifacts) -> None:
        rows = [tokens for _, tokens in _in_turn(train.columns[self.key])]
        self.writing.require_known(train, self.name, rows, artifacts)

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        arrays = {}
        for name, table in tables.items():
            rows, tokens = zip(*_in_turn(table.columns[self.key]), strict=True)
            targets, lengths = self.writing.encode(tokens, artifacts)
            row = np.array(rows, np.int32)
            arrays[name] = {"targets": targets, "target_lengths": lengths, "row": row}
        return arrays

    def cut(self, values: Sequence[Target]) -> np.ndarray:
        lengths = [max(map(len, value.tokens)) for value in values]
        return np.array(lengths, int) >= self.writing.length

    def texts(self, value: Target) -> tuple[str, ...]:
        return value.texts


def _merged(values: Sequence[Target]) -> Target:
    """Return the different texts of some values, in their order."""
    tokens = {text: row for value in values for text, row in zip(*value, strict=True)}
    return Target(tuple(tokens), tuple(tokens.values()))


def _in_turn(values: Sequence[Target]) -> list[tuple[int, list[str]]]:
    """Return each row with the tokens of each of its texts: every row's first text, then the second ones."""
    found = [
        (turn, row, tokens) for row, value in enumerate(values) for turn, tokens in enumerate(value.tokens)
    ]
    return [(row, tokens) for _, row, tokens in sorted(found, key=lambda entry: entry[:2])]
