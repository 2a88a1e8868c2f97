"""Rule of binary addition: the sum of two binary numbers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._binary import MARK, carried, num_bits, operations, results
from seqlab.tasks.languages.rule import Length, Pair, Rule


@dataclasses.dataclass(frozen=True)
class BinaryAddition(Rule):
    """Add two binary numbers with their lowest bits first.

        y = n + m and the end 2, without leading zeros; 0 is written as one 0

    Strings are those of `seqlab.tasks.languages._binary.operations`; the sum of a string without an operator
    is that number. A random symbol is right once in three times, the constant 1 about half of the time (.49
    at lengths up to 40).

    >>> BinaryAddition().answer([1, 1, 2, 1])  # 3 + 1
    [0, 0, 1, 2]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 3
    num_answers: ClassVar[int] = 3
    end: ClassVar[int | None] = MARK

    def answer_length(self, length: Length) -> Length:
        return length + 1

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        return operations(key, lengths, num_steps)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        def add(n: jax.Array, m: jax.Array) -> Pair:
            total = carried(n + m)
            return total, jnp.maximum(num_bits(total), 1)

        return results(add, strings, lengths, self.answer_length(strings.shape[1]))
