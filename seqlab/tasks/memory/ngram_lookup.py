"""Rule of n-gram lookup: write what follows an n-gram in a string."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_choice, require_positive
from seqlab.tasks.languages.language import FormalLanguage
from seqlab.tasks.languages.rule import Length, Pair, Rule, uniform

PLACES = ("after", "before")


@dataclasses.dataclass(frozen=True)
class NgramLookup(Rule):
    """Write the k symbols that follow an n-gram where it occurs first.

        query after:    x_0 … x_{m−1}, a mark, q_1 … q_n
        query before:   q_1 … q_n, a mark, x_0 … x_{m−1}

    The symbols x are uniform over 0 … V − 1, and the mark is V. The query is the n-gram at a place that is
    uniform in [0, m − n − k]. If it is read before the rest, a small state is enough; if it is read after it,
    the whole string must be in the state. A random symbol is right once in V times.

    >>> NgramLookup(num_query=2, num_answered=1, num_values=26).answer([4, 7, 1, 9, 26, 7, 1])
    [9]

    Attributes:
        num_query: n.
        num_answered: k.
        num_values: V.
        query: "after" or "before" the string.

    Source: S. Jelassi, D. Brandfonbrener, S. Kakade & E. Malach, "Repeat After Me: Transformers are Better
        than State Space Models at Copying", arXiv:2402.01032, 2024.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Jelassi et al. 2024"

    num_query: int = 2
    num_answered: int = 1
    num_values: int = 26
    query: str = "after"

    def __post_init__(self) -> None:
        require_positive(self, "num_query", "num_answered", "num_values")
        require_choice(self, "query", PLACES)

    @property
    def num_symbols(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The values and the mark."""
        return self.num_values + 1

    @property
    def num_answers(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The values."""
        return self.num_values

    @property
    def shortest(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A string that is the n-gram and what follows it."""
        return 2 * self.num_query + self.num_answered + 1

    def answer_length(self, length: Length) -> Length:
        return self.num_answered * length**0

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        values_key, place_key = jax.random.split(key)
        n, k = self.num_query, self.num_answered
        m = lengths - n - 1
        x = uniform(values_key, m, num_steps, self.num_values)
        places = jax.random.randint(place_key, lengths.shape, 0, m - n - k + 1)
        asked = jnp.take_along_axis(x, places[:, None] + jnp.arange(n), axis=1)
        steps, rows = jnp.arange(num_steps), jnp.arange(len(lengths))[:, None]
        begin = m if self.query == "after" else jnp.zeros_like(m)
        if self.query == "before":
            x = jnp.where(steps < lengths[:, None], jnp.roll(x, n + 1, axis=1), 0)
        mark = begin if self.query == "after" else begin + n
        asked_at = begin[:, None] + (self.query == "after") + jnp.arange(n)
        return x.at[rows, asked_at].set(asked).at[rows, mark[:, None]].set(self.num_values)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        n, k, m = self.num_query, self.num_answered, lengths - self.num_query - 1
        after = self.query == "after"
        begin = m + 1 if after else jnp.zeros_like(m)
        asked = jnp.take_along_axis(strings, begin[:, None] + jnp.arange(n), axis=1)
        first = 0 if after else n + 1
        x = strings[:, first:]
        windows = jnp.stack([jnp.roll(x, -offset, axis=1) for offset in range(n)], axis=-1)
        found = (windows == asked[:, None]).all(axis=-1)
        at = jnp.argmax(found, axis=1)[:, None] + n + jnp.arange(k)
        return jnp.take_along_axis(x, at, axis=1), jnp.full_like(lengths, k)


def ngram_lookup(
    length: int = 64,
    min_length: int = 8,
    curriculum: str = "fixed",
    num_query: int = 2,
    num_answered: int = 1,
    num_values: int = 26,
    query: str = "after",
    num_evaluation_examples: int = 1024,
) -> FormalLanguage:
    """Return the task of `NgramLookup`; the other arguments are the fields of `FormalLanguage`."""
    rule = NgramLookup(num_query, num_answered, num_values, query)
    return FormalLanguage(rule, length, min_length, curriculum, num_evaluation_examples)
