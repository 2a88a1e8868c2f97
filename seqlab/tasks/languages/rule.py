"""Rule of a formal language: its strings, and the answer to each."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp

from seqlab.tasks._naming import snake_case

Length = TypeVar("Length", int, jax.Array)
Pair = tuple[jax.Array, jax.Array]


@dataclasses.dataclass(frozen=True)
class Rule(abc.ABC):
    """What the strings of a language are, and how each is answered.

    Strings and answers are sequences of symbols, which are numbers from 0. A rule is a pure function of its
    arguments; lengths may be traced.

    Class attributes:
        framings: the framings of a `FormalLanguage` with this rule. An answer of one symbol fits many_to_one;
            any other one fits many_to_many and encoder_decoder.
        num_symbols: the number of symbols of strings.
        num_answers: the number of symbols of answers.
        end: the symbol that ends every answer; None where there is none.
        shortest: the least length of a string.
        origin: where the rule comes from.
    """

    framings: ClassVar[tuple[str, ...]]
    num_symbols: ClassVar[int]
    num_answers: ClassVar[int]
    end: ClassVar[int | None] = None
    shortest: ClassVar[int] = 1
    origin: ClassVar[str] = "Delétang et al. 2023"

    @property
    def name(self) -> str:
        """The name of the class in snake case."""
        return snake_case(type(self).__name__)

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        """Draw one string of each length; by default its symbols are independent and uniform.

        Args:
            key: PRNG key.
            lengths: int32 `(B,)`, at most `num_steps`; each is a `string_length`.
            num_steps: T.

        Returns:
            int32 symbols `(B, T)`, 0 after the end.
        """
        return uniform(key, lengths, num_steps, self.num_symbols)

    @abc.abstractmethod
    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        """Return the answer to each string.

        Args:
            strings: int32 `(B, T)`, 0 after the end.
            lengths: int32 `(B,)`, the number of symbols of each string.

        Returns:
            The answers, int32 `(B, M)`, 0 after the end, with M = `answer_length(T)`; and the number of
            symbols of each answer, int32 `(B,)`.
        """

    def string_length(self, length: Length) -> Length:
        """Return the largest length of a string that is at most `length`; for an array, of each element."""
        return length

    def answer_length(self, length: Length) -> Length:
        """Return the largest number of symbols of an answer to `length` symbols; for an array, of each."""
        return length**0

    def answer(self, string: Sequence[int]) -> list[int]:
        """Return the answer to one string; both are lists of symbols."""
        lengths = jnp.array([len(string)], jnp.int32)
        answers, counts = jax.jit(self.answers)(jnp.array([string], jnp.int32), lengths)
        return answers[0, : int(counts[0])].tolist()

    def examples(self, key: jax.Array, length: int, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Draw strings of one length and answer them, as the Chomsky-hierarchy suite does.

        Args:
            key: PRNG key.
            length: of the strings; the largest `string_length` below it where there is none of this length.
            size: the number of strings, B.

        Returns:
            int32 strings `(B, L)`, int32 answers `(B, M)` and the bool mask of the answers `(B, M)`.
        """
        L = self.string_length(length)
        lengths = jnp.full(size, L, jnp.int32)
        strings = self.strings(key, lengths, L)
        answers, counts = self.answers(strings, lengths)
        return strings, answers, jnp.arange(answers.shape[1]) < counts[:, None]


def uniform(key: jax.Array, lengths: jax.Array, num_steps: int, num_symbols: int) -> jax.Array:
    """Draw strings of independent uniform symbols, int32 `(B, T)`, 0 after their lengths `(B,)`."""
    symbols = jax.random.randint(key, (len(lengths), num_steps), 0, num_symbols)
    return jnp.where(jnp.arange(num_steps) < lengths[:, None], symbols, 0)


def last(strings: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return the last symbol of each string, int32 `(B, 1)`."""
    return jnp.take_along_axis(strings, lengths[:, None] - 1, axis=1)


def rearranged(strings: jax.Array, places: jax.Array, counts: jax.Array) -> jax.Array:
    """Return the symbols at `places` `(B, M)` of each string, and 0 from place `counts` `(B,)` on."""
    inside = jnp.arange(places.shape[1]) < counts[:, None]
    return jnp.where(inside, jnp.take_along_axis(strings, jnp.where(inside, places, 0), axis=1), 0)
