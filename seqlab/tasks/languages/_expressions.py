"""Arithmetic expressions modulo 5: drawing them, and computing their values.

An expression is a string of the symbols 0 to 4, which are digits, and of those named here. Lengths may be
traced. Expressions are drawn level by level, with all spans of all strings split at once; a value takes one
scan.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

MODULUS = 5
PLUS, MINUS, TIMES, OPEN, CLOSE = range(MODULUS, MODULUS + 5)
_LONGEST_LEAF = 4


def bracketed(key: jax.Array, lengths: jax.Array, num_steps: int, num_operators: int) -> jax.Array:
    """Draw expressions with brackets around every operation.

        E(1) = d,   E(2) = −d,   E(3) = (d),   E(4) = (−d),
        E(n) = (E(k) ∘ E(n − 3 − k)),   k uniform in [1, n − 4]

    with d a uniform digit and ∘ a uniform operator.

    Args:
        key: PRNG key.
        lengths: int32 `(B,)`, at most `num_steps`; a string of length 0 is all padding.
        num_steps: T.
        num_operators: 2 for + and −, or 3 for × as well.

    Returns:
        int32 symbols `(B, T)`, 0 after the end.
    """
    shape = (len(lengths), num_steps)
    splits_key, digits_key, operators_key = jax.random.split(key, 3)
    digits = jax.random.randint(digits_key, shape, 0, MODULUS)
    operators = jax.random.randint(operators_key, shape, PLUS, PLUS + num_operators)
    steps = jnp.broadcast_to(jnp.arange(num_steps), shape)

    # Each step has the start and the size of its span; the size is 0 where the symbol is final.
    def split(state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        level, symbols, starts, sizes = state
        key = jax.random.fold_in(splits_key, level)
        left = jax.random.randint(key, shape, 1, jnp.maximum(sizes - _LONGEST_LEAF, 1) + 1)
        left = jnp.take_along_axis(left, starts, axis=1)  # one draw for each span
        at = steps - starts
        leaf = sizes <= _LONGEST_LEAF
        ends = [leaf, at == 0, at == left + 1, at == sizes - 1]
        symbols = jnp.select(ends, [symbols, OPEN, operators, CLOSE], symbols)
        final = ends[1] | ends[2] | ends[3]
        first = at <= left
        starts = jnp.select([leaf | final, first], [starts, starts + 1], starts + left + 2)
        sizes = jnp.select([leaf, final, first], [sizes, 0, left], sizes - 3 - left)
        return level + 1, symbols, starts, sizes

    sizes = jnp.where(steps < lengths[:, None], lengths[:, None], 0)
    state = (jnp.int32(0), jnp.zeros(shape, jnp.int32), jnp.zeros(shape, jnp.int32), sizes)
    _, symbols, starts, sizes = jax.lax.while_loop(
        lambda state: jnp.any(state[-1] > _LONGEST_LEAF), split, state
    )
    at, digit_at = steps - starts, sizes // 2
    return jnp.select(
        [sizes == 0, at == digit_at, (sizes % 2 == 0) & (at == digit_at - 1), at == 0],
        [symbols, digits, MINUS, OPEN],
        CLOSE,
    )


def value(strings: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return the value modulo 5 of every expression; × binds before + and −.

    Each level of brackets has a sum s and a product p; its value is s + p:

        operand v: p ← p v      + or −: s, p ← s + p, ±1      − before an operand: p ← −p

    Args:
        strings: int32 `(B, T)`.
        lengths: int32 `(B,)`.

    Returns:
        int32 `(B,)` in [0, 5).
    """
    real = jnp.arange(strings.shape[1]) < lengths[:, None]
    return jax.vmap(_value)(jnp.where(real, strings, TIMES))  # × leaves all levels as they are


def _value(symbols: jax.Array) -> jax.Array:
    previous = jnp.pad(symbols[:-1], (1, 0), constant_values=PLUS)
    negates = (symbols == MINUS) & (previous >= MODULUS) & (previous != CLOSE)
    opens, closes = symbols == OPEN, symbols == CLOSE
    depths = jnp.cumsum(opens) - jnp.cumsum(closes)

    def step(levels: jax.Array, read: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
        symbol, negates, opens, closes, depth = read
        s, p = levels[depth]
        operand = jnp.where(closes, levels[depth + 1].sum(), symbol)
        adds = (symbol == PLUS) | ((symbol == MINUS) & ~negates)
        s = jnp.select([opens, adds], [0, s + p], s)
        sign = jnp.where(symbol == PLUS, 1, -1)
        p = jnp.select([opens, adds, negates, closes | (symbol < MODULUS)], [1, sign, -p, p * operand], p)
        return levels.at[depth].set(jnp.stack([s, p]) % MODULUS), None

    levels = jnp.tile(jnp.array([0, 1], jnp.int32), (len(symbols) // 2 + 2, 1))
    levels, _ = jax.lax.scan(step, levels, (symbols, negates, opens, closes, depths))
    return levels[0].sum() % MODULUS
