"""Can it add? The sum of two binary numbers."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._binary import BinaryOperation, carried, num_bits
from seqlab.tasks.languages._strings import Length


@dataclasses.dataclass(frozen=True)
class BinaryAddition(BinaryOperation):
    """Add two binary numbers, their lowest bits first.

        y = n + m and the end 2, without leading zeros; 0 is written as one

    The numbers are those of `seqlab.tasks.languages._binary.BinaryOperation`; a string without an operator is
    its own sum. A symbol at random is right once in three times; the constant 1, about half of the time (.49
    at lengths to 40).

    >>> BinaryAddition().answer([1, 1, 2, 1])  # 3 + 1
    [0, 0, 1, 2]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    def answer_length(self, length: Length) -> Length:
        return length + 1

    def operate(self, n: jax.Array, m: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = carried(n + m)
        return total, jnp.maximum(num_bits(total), 1)
