"""What does a formal language ask of a string? Its answer, a symbol or a string, coded for a network."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.ragged import RaggedTask
from seqlab.types import Batch, Goal, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class StringTask(RaggedTask):
    """Read a string and answer with a symbol, or with a string.

    Framings: where the answer is one symbol, many_to_one reads the string, int32 `(B, T)`, and writes the
    answer `(B,)` at its end. Else many_to_many reads the string followed by one blank, the symbol
    `num_symbols`, for every symbol of the answer, and writes it there; nothing else counts, neither in the
    loss nor in the metrics. Steps past a string's end hold 0.

    The splits are separate random streams: short strings, of which there are few, occur in all of them. That
    a rule was learnt shows at lengths beyond those of training (`python -m seqlab.evaluate --lengths`).

    Class attributes:
        num_symbols: how many symbols strings are made of.
        num_answers: how many symbols answers are made of.

    Source: G. Delétang et al., "Neural Networks and the Chomsky Hierarchy", arXiv:2207.02098, 2023, appendix
        A. There a batch has one length, here every string has its own.
    """

    num_symbols: ClassVar[int]
    num_answers: ClassVar[int]
    source: ClassVar[str] = "Delétang et al. 2023"

    length: int = 40
    min_length: int = 1
    curriculum: str = "uniform"

    @abc.abstractmethod
    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> tuple[jax.Array, jax.Array]:
        """Draw one string for each length.

        Args:
            key: PRNG key.
            lengths: int32 `(B,)`, at most `num_steps`.
            num_steps: T.

        Returns:
            int32 symbols `(B, T)`, 0 past their end, and how many are real, int32 `(B,)`: the lengths, or the
            longest below them that the language has.
        """

    @abc.abstractmethod
    def answers(self, strings: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Answer every string.

        Args:
            strings: int32 `(B, T)`, 0 past their end.
            lengths: int32 `(B,)`, how many of the symbols are real.

        Returns:
            int32 `(B, M)`, 0 past an answer's end, with M = `answer_length(T)`, and how many symbols of each
            count, int32 `(B,)`.
        """

    def answer_length(self, length: int) -> int:
        """Return the most symbols that the answer to a string of `length` symbols has."""
        return 1

    def input_spec(self, architecture: str) -> Spec:
        return Tokens(self.num_symbols + (architecture == "many_to_many"))

    def output_spec(self, architecture: str) -> Spec:
        return Tokens(self.num_answers)

    def goal(self, architecture: str) -> Goal:
        """Judge by the share of right symbols, beside that of one drawn at random."""
        return Goal("accuracy", 1 / self.num_answers, "a symbol at random", 0.99, higher_is_better=True)

    def metrics(self, architecture: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy") if architecture == "many_to_many" else ("accuracy",)

    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, architecture: str) -> Batch:
        strings, ends = self.strings(key, lengths, self.length)
        answers, counts = self.answers(strings, ends)
        if architecture == "many_to_one":
            return Batch(strings, answers[:, 0], jnp.ones(len(lengths), bool), ends)
        M = self.answer_length(self.length)
        since = jnp.arange(self.length + M) - ends[:, None]  # steps since the string's end
        blank = (since >= 0) & (since < counts[:, None])
        inputs = jnp.pad(strings, ((0, 0), (0, M)))
        targets = jnp.take_along_axis(answers, jnp.clip(since, 0, M - 1), axis=1)
        return Batch(
            jnp.where(blank, self.num_symbols, inputs), jnp.where(blank, targets, 0), blank, ends + counts
        )

    def examples(self, key: jax.Array, length: int, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Draw strings of one length.

        Returns:
            int32 symbols x `(size, L)`, the answers y `(size, M)` and their bool mask `(size, M)`; L is
            `length`, or the longest below it that the language has.
        """
        strings, ends = self.strings(key, jnp.full(size, length, jnp.int32), length)
        strings = strings[:, : int(ends[0])]
        answers, counts = self.answers(strings, ends)
        return strings, answers, jnp.arange(answers.shape[1]) < counts[:, None]

    def answer(self, string: Sequence[int]) -> list[int]:
        """Answer one string, given as its symbols."""
        answers, counts = self.answers(jnp.array([string], jnp.int32), jnp.array([len(string)], jnp.int32))
        return answers[0, : int(counts[0])].tolist()


def uniform(key: jax.Array, lengths: jax.Array, num_steps: int, num_symbols: int) -> jax.Array:
    """Draw strings of independent symbols, int32 `(B, T)`, 0 past their lengths."""
    symbols = jax.random.randint(key, (len(lengths), num_steps), 0, num_symbols)
    return jnp.where(jnp.arange(num_steps) < lengths[:, None], symbols, 0)


def last(strings: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return the last real symbol of every string, int32 `(B, 1)`."""
    return jnp.take_along_axis(strings, lengths[:, None] - 1, axis=1)
