"""Rule of bucket sort: sort a string of five symbols."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Length, Pair, Rule


@dataclasses.dataclass(frozen=True)
class BucketSort(Rule):
    """Write the symbols of a string in ascending order.

        y_j = #{v < 4 : j ≥ n_0 + … + n_v},   n_v the number of v's

    A random symbol is right once in five times, and so is any constant. The place alone predicts more, as 0s
    come first and 4s last: ⌊5 j / L⌋ is right for about seven symbols in ten at lengths up to 40.

    >>> BucketSort().answer([4, 0, 3, 0, 1])
    [0, 0, 1, 3, 4]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 5
    num_answers: ClassVar[int] = 5

    def answer_length(self, length: Length) -> Length:
        return length

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        real = jnp.arange(strings.shape[1]) < lengths[:, None]
        counts = (real[..., None] & (strings[..., None] == jnp.arange(4))).sum(axis=1)
        past = jnp.arange(strings.shape[1])[:, None] >= counts.cumsum(axis=1)[:, None]
        return jnp.where(real, past.sum(axis=2), 0), lengths
