"""How is one reckoned in hundreds of bits? Binary numbers as arrays of bits, and the tasks on two of them.

Lengths may be traced. Nothing is turned into an integer, so that every answer is exact.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._strings import StringTask

MARK = 2


@dataclasses.dataclass(frozen=True)
class BinaryOperation(StringTask):
    """Read n, an operator and m, and write the result of the operation; numbers have their lowest bit first.

    The symbol 2 is the operator in strings and the end in answers. The length of n is uniform in [1, L − 2],
    and m has what is left of L − 1; both are uniform among the numbers of so many bits that are not 0.
    Strings of one or two symbols are too short for an operation: they are a number, uniform in [0, 2^L − 2].
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 3
    num_answers: ClassVar[int] = 3
    end: ClassVar[int | None] = MARK

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        length_key, n_key, m_key, alone_key = jax.random.split(key, 4)
        at = jax.random.randint(length_key, lengths.shape, 1, jnp.maximum(lengths - 1, 2))
        n = nonzero(n_key, at, num_steps)
        m = nonzero(m_key, lengths - 1 - at, num_steps)
        strings = jnp.where(jnp.arange(num_steps) == at[:, None], MARK, n) + _delayed(m, at + 1)
        alone = jax.random.randint(alone_key, at.shape, 0, jnp.where(lengths == 1, 1, 3))
        bits = alone[:, None] >> jnp.minimum(jnp.arange(num_steps), 2) & 1
        return jnp.where(lengths[:, None] > 2, strings, bits)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        at = jnp.where((strings == MARK).any(axis=1), jnp.argmax(strings == MARK, axis=1), lengths)
        n = jnp.where(jnp.arange(strings.shape[1]) < at[:, None], strings, 0)
        bits, counts = self.operate(n, _delayed(strings, -at - 1), lengths)
        M = self.answer_length(strings.shape[1])
        bits = jnp.pad(bits, ((0, 0), (0, M - bits.shape[1])))
        return jnp.where(jnp.arange(M) == counts[:, None], MARK, bits), counts + 1

    @abc.abstractmethod
    def operate(self, n: jax.Array, m: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the result's bits, int32 `(B, T)`, lowest first, and how many are written, int32 `(B,)`.

        Args:
            n, m: int32 bits `(B, T)`, lowest first; m is 0 where there is no operator.
            lengths: int32 `(B,)`, the lengths of the strings.
        """


def nonzero(key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
    """Draw numbers of so many bits, uniform among those that are not 0: int32 `(B, T)`, 0 past their ends.

    The first 1 is at bit i with a probability ∝ 2^(−i); whatever follows it is uniform.
    """
    first_key, bits_key = jax.random.split(key)
    steps, ends = jnp.arange(num_steps), lengths[:, None]
    logits = jnp.where(steps < jnp.maximum(ends, 1), -math.log(2) * steps, -jnp.inf)
    first = jax.random.categorical(first_key, logits)[:, None]
    bits = jax.random.randint(bits_key, logits.shape, 0, 2)
    bits = jnp.select([steps < first, steps == first], [0, 1], bits)
    return jnp.where(steps < ends, bits, 0)


def num_bits(bits: jax.Array) -> jax.Array:
    """Count the bits of numbers `(B, T)`, lowest first, up to the highest 1: int32 `(B,)`."""
    return jnp.max(jnp.where(bits == 1, jnp.arange(bits.shape[1]) + 1, 0), axis=1)


def carried(digits: jax.Array) -> jax.Array:
    """Return the bits of Σ_i digits_i 2^i, int32 `(B, T)`, lowest first; what is beyond T bits is dropped."""

    def step(carry: jax.Array, digit: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = carry + digit
        return total >> 1, total & 1

    _, bits = jax.lax.scan(step, jnp.zeros_like(digits[:, 0]), digits.T)
    return bits.T


def difference(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Subtract numbers of as many bits, lowest first.

    Bit i borrows where the bits of a below it are a lower number than those of b: where a 1 of b stands at
    the highest place below i at which the two differ.

    Returns:
        The bits of a − b modulo 2^T, int32 `(B, T)`, and whether a < b, bool `(B,)`.
    """
    place = jnp.where(a == b, -1, jnp.arange(a.shape[1]))
    place = jax.lax.cummax(place, axis=1)
    lower = (place >= 0) & (jnp.take_along_axis(b, jnp.maximum(place, 0), axis=1) == 1)
    return a ^ b ^ jnp.pad(lower[:, :-1], ((0, 0), (1, 0))), lower[:, -1]


def _delayed(strings: jax.Array, steps: jax.Array) -> jax.Array:
    """Move every string `(B, T)` on by its `steps` `(B,)`, back where they are negative; 0 moves in."""
    places = jnp.arange(strings.shape[1]) - steps[:, None]
    inside = (places >= 0) & (places < strings.shape[1])
    return jnp.where(inside, jnp.take_along_axis(strings, jnp.where(inside, places, 0), axis=1), 0)
