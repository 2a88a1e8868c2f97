"""Rule of induction heads: name the symbol that followed the special one when it came first."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.tasks.languages.language import FormalLanguage
from seqlab.tasks.languages.rule import Pair, Rule, uniform


@dataclasses.dataclass(frozen=True)
class InductionHeads(Rule):
    """Name the symbol that followed the special symbol when it came first.

        x_p = x_{L−1} = V, the special symbol,   y = x_{p+1}

    All other symbols are uniform over 0 … V − 1. The place p is uniform in [0, L − 3], or L − 1 − d for a
    distance d: a needle in a haystack, which is read d steps before it is asked for. (In strings of d symbols
    or fewer p is 0.) A random symbol is right once in V times.

    >>> InductionHeads(num_values=16).answer([3, 16, 5, 9, 9, 16])
    [5]

    Attributes:
        num_values: V.
        distance: d, at least 2; None for a random place.

    Source: A. Gu & T. Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
        arXiv:2312.00752, 2023, section 4.1.2, with strings of 256 symbols in training and up to 2²⁰ in tests;
        after C. Olsson et al., "In-context Learning and Induction Heads", arXiv:2209.11895, 2022.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    origin: ClassVar[str] = "Gu & Dao 2023"
    shortest: ClassVar[int] = 3

    num_values: int = 16
    distance: int | None = None

    def __post_init__(self) -> None:
        require_positive(self, "num_values")
        if self.distance is not None:
            require_positive(self, "distance")
            if self.distance < 2:
                raise ValueError(f"distance must be null or at least 2, got {self.distance}")

    @property
    def num_symbols(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The values and the special symbol."""
        return self.num_values + 1

    @property
    def num_answers(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The values."""
        return self.num_values

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        values_key, place_key = jax.random.split(key)
        values = uniform(values_key, lengths, num_steps, self.num_values)
        if self.distance is None:
            places = jax.random.randint(place_key, lengths.shape, 0, lengths - 2)
        else:
            places = jnp.maximum(lengths - 1 - self.distance, 0)
        steps = jnp.arange(num_steps)
        special = (steps == places[:, None]) | (steps == lengths[:, None] - 1)
        return jnp.where(special, self.num_values, values)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        first = jnp.argmax(strings == self.num_values, axis=1)[:, None]
        return jnp.take_along_axis(strings, first + 1, axis=1), jnp.ones_like(lengths)


def induction_heads(
    length: int = 64,
    min_length: int = 8,
    curriculum: str = "fixed",
    num_values: int = 16,
    distance: int | None = None,
    num_evaluation_examples: int = 1024,
) -> FormalLanguage:
    """Return the task of `InductionHeads`; the other arguments are the fields of `FormalLanguage`."""
    rule = InductionHeads(num_values, distance)
    return FormalLanguage(rule, length, min_length, curriculum, num_evaluation_examples)
