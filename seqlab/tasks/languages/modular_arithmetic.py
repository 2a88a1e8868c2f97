"""Rule of modular arithmetic: the value modulo 5 of sums and products without brackets."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._expressions import MODULUS, PLUS, TIMES, value
from seqlab.tasks.languages.rule import Length, Pair, Rule


@dataclasses.dataclass(frozen=True)
class ModularArithmetic(Rule):
    """Compute an expression modulo 5; × binds before + and −.

        y = d_0 ∘_1 d_1 ∘_2 … mod 5,   ∘ one of + (the symbol 5), − (6) and × (7)

    Digits and operators are uniform and alternate, so lengths are odd; an even length is rounded down, as
    by the generator of the reference. A random digit is right once in five times. A product is 0 more often
    than another digit, so the constant 0 is right more often: 19 times in 75 at length 3, and less often for
    longer expressions.

    >>> ModularArithmetic().answer([1, 5, 2, 7, 4])  # 1 + 2 × 4
    [4]
    >>> ModularArithmetic().answer([3, 6, 4])  # 3 − 4
    [4]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.1 (a regular language).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 8
    num_answers: ClassVar[int] = MODULUS

    def string_length(self, length: Length) -> Length:
        return length - 1 + length % 2

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        digits_key, operators_key = jax.random.split(key)
        shape, steps = (len(lengths), num_steps), jnp.arange(num_steps)
        digits = jax.random.randint(digits_key, shape, 0, MODULUS)
        operators = jax.random.randint(operators_key, shape, PLUS, TIMES + 1)
        return jnp.where(steps < lengths[:, None], jnp.where(steps % 2, operators, digits), 0)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        return value(strings, lengths)[:, None], jnp.ones_like(lengths)
