"""Can it work backwards? The unknown of an equation modulo 5."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._expressions import CLOSE, MODULUS, OPEN, ExpressionTask, bracketed, value
from seqlab.tasks.languages._strings import last

X, EQUALS = 9, 10


@dataclasses.dataclass(frozen=True)
class SolveEquation(ExpressionTask):
    """Tell the digit that x stands for in an equation modulo 5.

        E = d,   E an expression in brackets, of + and − alone, with x in place of one of its digits

    written in the digits 0 to 4 and 5 for +, 6 for −, 7 and 8 for the brackets, 9 for x and 10 for =. As x
    counts ±1 times, one digit solves the equation: x = ±(d − E(0)), with ±1 = E(1) − E(0). E is drawn as in
    `modular_arithmetic_brackets`; which digit is x, uniformly.

    No equation is shorter than 3; the reference has there zeros alone, which are answered by 0. So
    `min_length` is 3, where a digit at random, like any constant, is right once in five times.

    >>> SolveEquation().answer([7, 2, 6, 9, 8, 10, 3])  # (2 − x) = 3
    [4]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.2 (deterministic context-free).
    """

    num_symbols: ClassVar[int] = 11

    min_length: int = 3

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        expression_key, unknown_key = jax.random.split(key)
        equals = jnp.maximum(lengths - 2, 0)
        expressions = bracketed(expression_key, equals, num_steps, 2)
        known = value(expressions, equals)
        equals, steps = equals[:, None], jnp.arange(num_steps)
        digits = (expressions < MODULUS) & (steps < equals)
        places = jnp.where(digits, jax.random.uniform(unknown_key, expressions.shape), -1.0)
        symbols = jnp.where(expressions >= OPEN, expressions - 1, expressions)  # no × here
        symbols = jnp.where(steps == jnp.argmax(places, axis=1)[:, None], X, symbols)
        symbols = jnp.select([steps == equals, steps == equals + 1], [EQUALS, known[:, None]], symbols)
        return jnp.where((steps < lengths[:, None]) & (equals > 0), symbols, 0)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        symbols = jnp.select([strings == 7, strings == 8], [OPEN, CLOSE], strings)
        at_0, at_1 = (value(jnp.where(strings == X, x, symbols), lengths - 2) for x in (0, 1))
        known = last(strings, lengths)[:, 0]
        return ((known - at_0) * (at_1 - at_0) % MODULUS)[:, None], jnp.ones_like(lengths)
