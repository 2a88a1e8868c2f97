"""Rule of even pairs: whether the first and the last bit differ."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Pair, Rule, last


@dataclasses.dataclass(frozen=True)
class EvenPairs(Rule):
    """Decide whether a bit string holds an even (0) or odd (1) number of pairs 01 and 10.

        y = #{t : x_t ≠ x_{t+1}} mod 2 = [x_0 ≠ x_{L−1}]

    Every change of the bit is such a pair, so the first and the last bit decide. A random bit is right half
    of the time.

    >>> EvenPairs().answer([0, 1, 1, 0, 1])
    [1]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.1 (a regular language).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 2
    num_answers: ClassVar[int] = 2

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        return strings[:, :1] ^ last(strings, lengths), jnp.ones_like(lengths)
