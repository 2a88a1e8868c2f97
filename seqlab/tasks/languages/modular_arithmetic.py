"""Can it work a sum out as it reads? Sums and products modulo 5, without brackets."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._expressions import MODULUS, PLUS, TIMES, ExpressionTask
from seqlab.tasks.languages._strings import Length


@dataclasses.dataclass(frozen=True)
class ModularArithmetic(ExpressionTask):
    """Work out an expression modulo 5, in which × binds before + and −.

        y = d_0 ∘_1 d_1 ∘_2 … mod 5,   ∘ one of + (the symbol 5), − (6) and × (7)

    Digits and operators are uniform and alternate, so that lengths are odd; an even one is rounded down. (So
    does the reference's generator, which fails on the second length that it is asked for.) A digit at random
    is right once in five times; a product is 0 more often than another digit, so that the constant 0 is
    right a little more often: 19 times in 75 at length 3, less where expressions are longer.

    >>> ModularArithmetic().answer([1, 5, 2, 7, 4])  # 1 + 2 × 4
    [4]
    >>> ModularArithmetic().answer([3, 6, 4])  # 3 − 4
    [4]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.1 (a regular language).
    """

    num_symbols: ClassVar[int] = 8

    def string_length(self, length: Length) -> Length:
        return length - 1 + length % 2

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        digits_key, operators_key = jax.random.split(key)
        shape, steps = (len(lengths), num_steps), jnp.arange(num_steps)
        digits = jax.random.randint(digits_key, shape, 0, MODULUS)
        operators = jax.random.randint(operators_key, shape, PLUS, TIMES + 1)
        return jnp.where(steps < lengths[:, None], jnp.where(steps % 2, operators, digits), 0)
