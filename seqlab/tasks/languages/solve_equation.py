"""Rule of equation solving: the unknown of an equation modulo 5."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._expressions import CLOSE, MODULUS, OPEN, bracketed, value
from seqlab.tasks.languages.rule import Pair, Rule, last

X, EQUALS = 9, 10


@dataclasses.dataclass(frozen=True)
class SolveEquation(Rule):
    """Name the digit x that solves an equation modulo 5.

        E = d,   E an expression in brackets of + and − only, with x in place of one of its digits

    The symbols 0 to 4 are digits, 5 is +, 6 is −, 7 and 8 are the brackets, 9 is x and 10 is =. The factor of
    x is ±1, so one digit solves the equation: x = ±(d − E(0)), with ±1 = E(1) − E(0). E is drawn as in
    `modular_arithmetic_brackets`; the place of x is uniform among the digits.

    The shortest equation has 3 symbols. Shorter strings are zeros with the answer 0, as in the reference; so
    use `min_length` 3. Then a random digit, like any constant, is right once in five times.

    >>> SolveEquation().answer([7, 2, 6, 9, 8, 10, 3])  # (2 − x) = 3
    [4]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.2 (deterministic context-free).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 11
    num_answers: ClassVar[int] = MODULUS

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        expression_key, unknown_key = jax.random.split(key)
        equals = jnp.maximum(lengths - 2, 0)
        expressions = bracketed(expression_key, equals, num_steps, 2)
        known = value(expressions, equals)
        equals, steps = equals[:, None], jnp.arange(num_steps)
        digits = (expressions < MODULUS) & (steps < equals)
        places = jnp.where(digits, jax.random.uniform(unknown_key, expressions.shape), -1.0)
        symbols = jnp.where(expressions >= OPEN, expressions - 1, expressions)  # there is no ×
        symbols = jnp.where(steps == jnp.argmax(places, axis=1)[:, None], X, symbols)
        symbols = jnp.select([steps == equals, steps == equals + 1], [EQUALS, known[:, None]], symbols)
        return jnp.where((steps < lengths[:, None]) & (equals > 0), symbols, 0)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        symbols = jnp.select([strings == 7, strings == 8], [OPEN, CLOSE], strings)
        at_0, at_1 = (value(jnp.where(strings == X, x, symbols), lengths - 2) for x in (0, 1))
        known = last(strings, lengths)[:, 0]
        return ((known - at_0) * (at_1 - at_0) % MODULUS)[:, None], jnp.ones_like(lengths)
