"""Can it multiply? The product of two binary numbers."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._binary import BinaryOperation, carried, num_bits
from seqlab.tasks.languages._strings import Length


@dataclasses.dataclass(frozen=True)
class BinaryMultiplication(BinaryOperation):
    """Multiply two binary numbers, their lowest bits first.

        y = n m and the end 2, without leading zeros; 0 is written as L − 1 of them

    The numbers are those of `seqlab.tasks.languages._binary.BinaryOperation`, of which none is 0; a string
    without an operator has the product 0. A symbol at random is right once in three times; the constant 1,
    about half of the time (.48 at lengths to 40).

    >>> BinaryMultiplication().answer([1, 1, 2, 1, 0, 1])  # 3 × 5
    [1, 1, 1, 1, 2]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    def answer_length(self, length: Length) -> Length:
        return length

    def operate(self, n: jax.Array, m: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        def step(state: tuple[jax.Array, jax.Array], bit: jax.Array) -> tuple[tuple[jax.Array, ...], None]:
            digits, shifted = state
            return (digits + bit[:, None] * shifted, jnp.pad(shifted[:, :-1], ((0, 0), (1, 0)))), None

        (digits, _), _ = jax.lax.scan(step, (jnp.zeros_like(m), m), n.T)
        product = carried(digits)
        return product, jnp.where(product.any(axis=1), num_bits(product), lengths - 1)
