"""Rule of modular arithmetic with brackets: the value modulo 5 of nested expressions."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._expressions import MODULUS, bracketed, value
from seqlab.tasks.languages.rule import Pair, Rule


@dataclasses.dataclass(frozen=True)
class ModularArithmeticBrackets(Rule):
    """Compute an expression modulo 5 that has brackets around every operation.

        d,   −d,   (d),   (−d),   (E ∘ E) with ∘ one of +, − and ×

    The symbols 0 to 4 are digits, 5 is +, 6 is −, 7 is ×, and 8 and 9 are the brackets. An expression of more
    than four symbols is split at a uniform place (`seqlab.tasks.languages._expressions.bracketed`).

    A random digit is right once in five times. A product is 0 more often than another digit, so the constant
    0 is right more often: 19 times in 75 at length 5, .27 of the time at lengths up to 40.

    >>> ModularArithmeticBrackets().answer([8, 6, 2, 7, 8, 3, 5, 4, 9, 9])  # (−2 × (3 + 4))
    [1]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.2 (deterministic context-free).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 10
    num_answers: ClassVar[int] = MODULUS

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        return bracketed(key, lengths, num_steps, 3)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        return value(strings, lengths)[:, None], jnp.ones_like(lengths)
