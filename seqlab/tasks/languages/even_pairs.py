"""Does it see that only the ends matter? Even pairs."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._strings import StringTask, last


@dataclasses.dataclass(frozen=True)
class EvenPairs(StringTask):
    """Decide whether the pairs 01 and 10 of a bit string are even (0) or odd (1) in number, taken together.

        y = #{t : x_t ≠ x_{t+1}} mod 2 = [x_0 ≠ x_{L−1}]

    Every change of the bit is such a pair, so that the first bit and the last decide. A fair coin is right
    half of the time.

    >>> EvenPairs().answer([0, 1, 1, 0, 1])
    [1]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.1 (a regular language).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 2
    num_answers: ClassVar[int] = 2

    def answers(self, strings: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        return strings[:, :1] ^ last(strings, lengths), jnp.ones_like(lengths)
