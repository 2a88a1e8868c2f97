"""Rule of string duplication: write a string twice."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Length, Pair, Rule, rearranged


@dataclasses.dataclass(frozen=True)
class DuplicateString(Rule):
    """Write a bit string twice.

        y_j = x_{j mod L},   0 ≤ j < 2L

    A random bit is right half of the time.

    >>> DuplicateString().answer([1, 1, 0])
    [1, 1, 0, 1, 1, 0]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 2
    num_answers: ClassVar[int] = 2

    def answer_length(self, length: Length) -> Length:
        return 2 * length

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        places = jnp.arange(2 * strings.shape[1]) % lengths[:, None]
        return rearranged(strings, places, 2 * lengths), 2 * lengths
