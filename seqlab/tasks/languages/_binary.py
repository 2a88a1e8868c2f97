"""Binary numbers as arrays of bits: expressions of two numbers, sums and differences.

Lengths may be traced. No number is converted to an integer, so answers of hundreds of bits are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

MARK = 2
"""The operator in strings, and the end of answers."""


def operations(key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
    """Draw strings of a number n, the operator and a number m; numbers have their lowest bit first.

    The length of n is uniform in [1, L − 2], and m has the rest of L − 1. Both are uniform among the numbers
    of so many bits that are not 0. Strings of one or two symbols are too short for an operation: they are
    one number, uniform in [0, 2^L − 2].

    Args:
        key: PRNG key.
        lengths: int32 `(B,)`, L, at most `num_steps`.
        num_steps: T.

    Returns:
        int32 symbols `(B, T)`, 0 after the end.
    """
    length_key, n_key, m_key, alone_key = jax.random.split(key, 4)
    at = jax.random.randint(length_key, lengths.shape, 1, jnp.maximum(lengths - 1, 2))
    n = nonzero(n_key, at, num_steps)
    m = nonzero(m_key, lengths - 1 - at, num_steps)
    strings = jnp.where(jnp.arange(num_steps) == at[:, None], MARK, n) + _shifted(m, at + 1)
    alone = jax.random.randint(alone_key, at.shape, 0, jnp.where(lengths == 1, 1, 3))
    bits = alone[:, None] >> jnp.minimum(jnp.arange(num_steps), 2) & 1
    return jnp.where(lengths[:, None] > 2, strings, bits)


def results(
    operate: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]],
    strings: jax.Array,
    lengths: jax.Array,
    num_written: int,
) -> tuple[jax.Array, jax.Array]:
    """Return the results of the operations of strings, each ended by `MARK`.

    Args:
        operate: takes n and m, int32 bits `(B, T)`, lowest first, where m is 0 if there is no operator. It
            returns the bits of the result, int32 `(B, T)`, lowest first, and the number of bits that are
            written, int32 `(B,)`.
        strings: int32 `(B, T)`.
        lengths: int32 `(B,)`.
        num_written: M, the largest number of symbols of a result.

    Returns:
        int32 symbols `(B, M)`, 0 after the end, and the number of symbols of each result, int32 `(B,)`.
    """
    at = jnp.where((strings == MARK).any(axis=1), jnp.argmax(strings == MARK, axis=1), lengths)
    n = jnp.where(jnp.arange(strings.shape[1]) < at[:, None], strings, 0)
    bits, counts = operate(n, _shifted(strings, -at - 1))
    bits = jnp.pad(bits, ((0, 0), (0, num_written - bits.shape[1])))
    return jnp.where(jnp.arange(num_written) == counts[:, None], MARK, bits), counts + 1


def nonzero(key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
    """Draw numbers of some bits, uniform among those that are not 0: int32 `(B, T)`, 0 after the end.

    The first 1 is at bit i with a probability ∝ 2^(−i); the bits after it are uniform.
    """
    first_key, bits_key = jax.random.split(key)
    steps, ends = jnp.arange(num_steps), lengths[:, None]
    logits = jnp.where(steps < jnp.maximum(ends, 1), -math.log(2) * steps, -jnp.inf)
    first = jax.random.categorical(first_key, logits)[:, None]
    bits = jax.random.randint(bits_key, logits.shape, 0, 2)
    bits = jnp.select([steps < first, steps == first], [0, 1], bits)
    return jnp.where(steps < ends, bits, 0)


def num_bits(bits: jax.Array) -> jax.Array:
    """Return the number of bits up to the highest 1 of numbers `(B, T)`, lowest bit first: int32 `(B,)`."""
    return jnp.max(jnp.where(bits == 1, jnp.arange(bits.shape[1]) + 1, 0), axis=1)


def carried(digits: jax.Array) -> jax.Array:
    """Return the bits of Σ_i digits_i 2^i, int32 `(B, T)`, lowest first; bits beyond T are dropped."""

    def step(carry: jax.Array, digit: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = carry + digit
        return total >> 1, total & 1

    _, bits = jax.lax.scan(step, jnp.zeros_like(digits[:, 0]), digits.T)
    return bits.T


def difference(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Subtract numbers of equally many bits, lowest first.

    Bit i borrows where the lower bits of a are a smaller number than those of b, which is where b has a 1 at
    the highest place below i at which a and b differ.

    Returns:
        The bits of a − b modulo 2^T, int32 `(B, T)`, and whether a < b, bool `(B,)`.
    """
    place = jnp.where(a == b, -1, jnp.arange(a.shape[1]))
    place = jax.lax.cummax(place, axis=1)
    lower = (place >= 0) & (jnp.take_along_axis(b, jnp.maximum(place, 0), axis=1) == 1)
    return a ^ b ^ jnp.pad(lower[:, :-1], ((0, 0), (1, 0))), lower[:, -1]


def _shifted(strings: jax.Array, steps: jax.Array) -> jax.Array:
    """Shift each string `(B, T)` right by its `steps` `(B,)`, left where negative, and pad with 0."""
    places = jnp.arange(strings.shape[1]) - steps[:, None]
    inside = (places >= 0) & (places < strings.shape[1])
    return jnp.where(inside, jnp.take_along_axis(strings, jnp.where(inside, places, 0), axis=1), 0)
