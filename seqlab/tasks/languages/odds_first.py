"""Rule of odds first: the symbols at odd places, then those at even places."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Length, Pair, Rule, rearranged


@dataclasses.dataclass(frozen=True)
class OddsFirst(Rule):
    """Write the bits at odd places of a string, then those at even places; the first place is 0.

        y = x_1 x_3 x_5 … x_0 x_2 x_4 …

    The docstring of the reference counts places from 1, so the first bit would come first. Its code and its
    samples count from 0, as here. A random bit is right half of the time.

    >>> OddsFirst().answer([1, 1, 0, 1, 0])
    [1, 1, 1, 0, 0]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 2
    num_answers: ClassVar[int] = 2

    def answer_length(self, length: Length) -> Length:
        return length

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        half, j = lengths[:, None] // 2, jnp.arange(strings.shape[1])
        return rearranged(strings, jnp.where(j < half, 2 * j + 1, 2 * (j - half)), lengths), lengths
