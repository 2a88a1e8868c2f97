"""What does a formal language ask of a string? Its answer, a symbol or a string, coded for a network."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.tasks._ragged import RaggedTask
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens

Length = TypeVar("Length", int, jax.Array)


@dataclasses.dataclass(frozen=True)
class StringTask(RaggedTask):
    """Read a string and answer with a symbol, or with a string.

    Framings: where the answer is one symbol, many_to_one reads the string, int32 `(B, T)`, and writes the
    answer `(B,)` at its end. Else many_to_many reads the string followed by blanks, the symbol `num_symbols`,
    as many as the longest answer to a string of that length has symbols, and writes the answer on the first
    of them; nothing else counts, neither in the loss nor in the metrics. Steps past the blanks hold 0.
    encoder_decoder reads the string alone and writes the answer `(B, M)`, M being that of the longest string;
    it is judged by what it writes running freely.

    The splits are separate random streams: short strings, of which there are few, occur in all of them. That
    a rule was learnt shows at lengths beyond those of training: `python -m seqlab.evaluate --lengths 41:500`
    starts at 41, where the reference's score starts at 42.

    Class attributes:
        num_symbols: how many symbols strings are made of.
        num_answers: how many symbols answers are made of.
        end: the one of them that ends every answer; None where none does.

    Source: G. Delétang et al., "Neural Networks and the Chomsky Hierarchy", arXiv:2207.02098, 2023, appendix
        A. There a batch has one length, here every string has its own.
    """

    num_symbols: ClassVar[int]
    num_answers: ClassVar[int]
    end: ClassVar[int | None] = None
    source: ClassVar[str] = "Delétang et al. 2023"

    length: int = 40
    min_length: int = 1
    curriculum: str = "uniform"

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        """Draw one string of each length, of independent uniform symbols unless said otherwise.

        Args:
            key: PRNG key.
            lengths: int32 `(B,)`, at most `num_steps`, each one that the language has.
            num_steps: T.

        Returns:
            int32 symbols `(B, T)`, 0 past their end.
        """
        return uniform(key, lengths, num_steps, self.num_symbols)

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

    def string_length(self, length: Length) -> Length:
        """Return `length`, or the longest below it that the language has; of an array, for each element."""
        return length

    def answer_length(self, length: Length) -> Length:
        """Return the most symbols of an answer to `length` symbols; of an array, for each element."""
        return length**0

    def input_spec(self, framing: str) -> Spec:
        return Tokens(self.num_symbols + (framing == "many_to_many"))

    def output_spec(self, framing: str) -> Spec:
        return Tokens(self.num_answers)

    def goal(self, framing: str) -> Goal:
        metric = "free_running/accuracy" if framing == "encoder_decoder" else "accuracy"
        return Goal(metric, higher_is_better=True)

    def reference(self, framing: str) -> Reference:
        return Reference(1 / self.num_answers, "a symbol at random", 0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",) if framing == "many_to_one" else ("accuracy", "sequence_accuracy")

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Turn symbols, given as numbers apart, or as digits together, into a string.

        Raises:
            ConfigError: an framing that reads more than the string, or no symbols of the language.
        """
        if framing not in ("many_to_one", "encoder_decoder"):
            return super().read_prompt(text, framing)
        symbols = text.split() if " " in text else list(text)
        legal = {str(symbol): symbol for symbol in range(self.num_symbols)}
        if not symbols or not legal.keys() >= set(symbols):
            raise ConfigError(f"--prompt: legal are the symbols {' '.join(legal)}, got {text!r}")
        return np.array([legal[symbol] for symbol in symbols], np.int32)

    def num_written(self, num_steps: int, framing: str) -> int:
        return self.answer_length(num_steps)

    def end_symbol(self, framing: str) -> int | None:
        return self.end

    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        T, ends = self.string_length(self.length), self.string_length(lengths)
        strings = self.strings(key, ends, T)
        answers, counts = self.answers(strings, ends)
        if framing == "many_to_one":
            return Batch(strings, answers[:, 0], jnp.ones(len(lengths), bool), ends)
        if framing == "encoder_decoder":
            return Batch(strings, answers, jnp.arange(answers.shape[1]) < counts[:, None], ends)
        M, blanks = self.answer_length(T), self.answer_length(ends)
        since = jnp.arange(T + M) - ends[:, None]  # steps since the string's end
        blank, written = ((since >= 0) & (since < many[:, None]) for many in (blanks, counts))
        inputs = jnp.where(blank, self.num_symbols, jnp.pad(strings, ((0, 0), (0, M))))
        targets = jnp.take_along_axis(answers, jnp.clip(since, 0, M - 1), axis=1)
        return Batch(inputs, jnp.where(written, targets, 0), written, ends + blanks)

    def examples(self, key: jax.Array, length: int, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Draw strings of one length.

        Returns:
            int32 symbols x `(size, L)`, the answers y `(size, M)` and their bool mask `(size, M)`; L is
            `length`, or the longest below it that the language has.
        """
        L = self.string_length(length)
        ends = jnp.full(size, L, jnp.int32)
        strings = self.strings(key, ends, L)
        answers, counts = self.answers(strings, ends)
        return strings, answers, jnp.arange(answers.shape[1]) < counts[:, None]

    def answer(self, string: Sequence[int]) -> list[int]:
        """Answer one string, given as its symbols."""
        lengths = jnp.array([len(string)], jnp.int32)
        answers, counts = jax.jit(self.answers)(jnp.array([string], jnp.int32), lengths)
        return answers[0, : int(counts[0])].tolist()


def uniform(key: jax.Array, lengths: jax.Array, num_steps: int, num_symbols: int) -> jax.Array:
    """Draw strings of independent symbols, int32 `(B, T)`, 0 past their lengths."""
    symbols = jax.random.randint(key, (len(lengths), num_steps), 0, num_symbols)
    return jnp.where(jnp.arange(num_steps) < lengths[:, None], symbols, 0)


def last(strings: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return the last real symbol of every string, int32 `(B, 1)`."""
    return jnp.take_along_axis(strings, lengths[:, None] - 1, axis=1)


def rearranged(strings: jax.Array, places: jax.Array, counts: jax.Array) -> jax.Array:
    """Return the symbols that stand at `places` `(B, M)` of every string, 0 from the `counts` `(B,)` on."""
    inside = jnp.arange(places.shape[1]) < counts[:, None]
    return jnp.where(inside, jnp.take_along_axis(strings, jnp.where(inside, places, 0), axis=1), 0)
