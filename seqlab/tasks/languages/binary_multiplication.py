"""Rule of binary multiplication: the product of two binary numbers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._binary import MARK, carried, num_bits, operations, results
from seqlab.tasks.languages.rule import Length, Pair, Rule


@dataclasses.dataclass(frozen=True)
class BinaryMultiplication(Rule):
    """Multiply two binary numbers with their lowest bits first.

        y = n m and the end 2, without leading zeros; 0 is written as L − 1 zeros

    Strings are those of `seqlab.tasks.languages._binary.operations`, with no factor 0; the product of a
    string without an operator is 0. A random symbol is right once in three times, the constant 1 about half
    of the time (.48 at lengths up to 40).

    >>> BinaryMultiplication().answer([1, 1, 2, 1, 0, 1])  # 3 × 5
    [1, 1, 1, 1, 2]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 3
    num_answers: ClassVar[int] = 3
    end: ClassVar[int | None] = MARK

    def answer_length(self, length: Length) -> Length:
        return length

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        return operations(key, lengths, num_steps)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        def step(state: Pair, bit: jax.Array) -> tuple[Pair, None]:
            digits, shifted = state
            return (digits + bit[:, None] * shifted, jnp.pad(shifted[:, :-1], ((0, 0), (1, 0)))), None

        def multiply(n: jax.Array, m: jax.Array) -> Pair:
            (digits, _), _ = jax.lax.scan(step, (jnp.zeros_like(m), m), n.T)
            product = carried(digits)
            return product, jnp.where(product.any(axis=1), num_bits(product), lengths - 1)

        return results(multiply, strings, lengths, self.answer_length(strings.shape[1]))
