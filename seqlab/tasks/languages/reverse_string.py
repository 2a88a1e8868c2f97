"""Rule of string reversal: write a string backwards."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Length, Pair, Rule, rearranged


@dataclasses.dataclass(frozen=True)
class ReverseString(Rule):
    """Write a bit string backwards.

        y_j = x_{L−1−j}

    A random bit is right half of the time.

    >>> ReverseString().answer([1, 1, 0])
    [0, 1, 1]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.2 (deterministic context-free).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 2
    num_answers: ClassVar[int] = 2

    def answer_length(self, length: Length) -> Length:
        return length

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        places = lengths[:, None] - 1 - jnp.arange(strings.shape[1])
        return rearranged(strings, places, lengths), lengths
