"""Rule of selective copying: write the symbols of a string that are no noise, in order."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.tasks.languages.language import FormalLanguage
from seqlab.tasks.languages.rule import Length, Pair, Rule


@dataclasses.dataclass(frozen=True)
class SelectiveCopying(Rule):
    """Write the M symbols that stand among noise, in order.

    The M symbols are uniform over 0 … V − 1, at places drawn uniformly without replacement; all other places
    hold the noise, the symbol V. In many_to_many the answer is written during M blanks, the symbol V + 1. A
    time-invariant linear recurrence cannot tell noise from data. A random symbol is right once in V times.

    >>> SelectiveCopying(num_copied=3, num_values=8).answer([8, 2, 8, 8, 0, 8, 7])
    [2, 0, 7]

    Attributes:
        num_copied: M.
        num_values: V.

    Source: A. Gu & T. Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
        arXiv:2312.00752, 2023, section 4.1.1, with strings of 4096 symbols and M = 16; after L. Jing et al.,
        "Gated Orthogonal Recurrent Units", arXiv:1706.02761, 2017.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Gu & Dao 2023"

    num_copied: int = 8
    num_values: int = 16

    def __post_init__(self) -> None:
        require_positive(self, "num_copied", "num_values")

    @property
    def num_symbols(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The values and the noise."""
        return self.num_values + 1

    @property
    def num_answers(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The values."""
        return self.num_values

    @property
    def shortest(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """A string without noise."""
        return self.num_copied

    def answer_length(self, length: Length) -> Length:
        return self.num_copied * length**0

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        values_key, places_key = jax.random.split(key)
        shape, real = (len(lengths), num_steps), jnp.arange(num_steps) < lengths[:, None]
        values = jax.random.randint(values_key, shape, 0, self.num_values)
        ranks = jnp.where(real, jax.random.uniform(places_key, shape), jnp.inf)
        last = jnp.sort(ranks, axis=1)[:, self.num_copied - 1, None]
        return jnp.where(real, jnp.where(ranks <= last, values, self.num_values), 0)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        kept = (strings < self.num_values) & (jnp.arange(strings.shape[1]) < lengths[:, None])
        places = jnp.where(kept, jnp.cumsum(kept, axis=1) - 1, self.num_copied)
        rows = jnp.arange(len(strings))[:, None]
        answers = jnp.zeros((len(strings), self.num_copied), jnp.int32)
        return answers.at[rows, places].set(strings, mode="drop"), jnp.full_like(lengths, self.num_copied)


def selective_copying(
    length: int = 64,
    min_length: int = 16,
    curriculum: str = "fixed",
    num_copied: int = 8,
    num_values: int = 16,
    num_evaluation_examples: int = 1024,
) -> FormalLanguage:
    """Return the task of `SelectiveCopying`; the other arguments are the fields of `FormalLanguage`."""
    rule = SelectiveCopying(num_copied, num_values)
    return FormalLanguage(rule, length, min_length, curriculum, num_evaluation_examples)
