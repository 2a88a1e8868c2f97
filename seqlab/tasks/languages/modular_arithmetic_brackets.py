"""Can it work sums out inside sums? Expressions modulo 5, in brackets."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax

from seqlab.tasks.languages._expressions import ExpressionTask, bracketed


@dataclasses.dataclass(frozen=True)
class ModularArithmeticBrackets(ExpressionTask):
    """Work out an expression modulo 5 whose every operation stands in brackets.

        d,   −d,   (d),   (−d),   (E ∘ E) with ∘ one of +, − and ×

    written in the digits 0 to 4 and 5 for +, 6 for −, 7 for ×, 8 and 9 for the brackets. An expression of
    more than four symbols is split at a uniform place (`seqlab.tasks.languages._expressions.bracketed`).

    A digit at random is right once in five times. A product is 0 more often than another digit, so that the
    constant 0 is right a little more often: 19 times in 75 at length 5, .27 of the time at lengths to 40.

    >>> ModularArithmeticBrackets().answer([8, 6, 2, 7, 8, 3, 5, 4, 9, 9])  # (−2 × (3 + 4))
    [1]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.2 (deterministic context-free).
    """

    num_symbols: ClassVar[int] = 10

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        return bracketed(key, lengths, num_steps, 3)
