"""Rule of the square root of a binary number, rounded down."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages._binary import difference, nonzero
from seqlab.tasks.languages.rule import Length, Pair, Rule


@dataclasses.dataclass(frozen=True)
class ComputeSqrt(Rule):
    """Write the square root, rounded down, of a binary number with its highest bit first.

        y = ⌊√x⌋ in ⌈L/2⌉ bits,   x uniform in [1, 2^L)

    It is computed bit by bit: q_i, the root of the first i pairs of bits of x, has the remainder
    r_i = x_i − q_i². With the next pair p, the next bit of the root is 1 where 4 r_i + p ≥ 4 q_i + 1; then
    4 q_i + 1 is subtracted.

    A random bit is right half of the time. Large numbers are more frequent than their roots, so the constant
    1 is right more often (.52 at lengths up to 40): three times in four at the first bit of an even length.

    >>> ComputeSqrt().answer([1, 1, 0, 1, 0])  # 26
    [1, 0, 1]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 2
    num_answers: ClassVar[int] = 2

    def answer_length(self, length: Length) -> Length:
        return (length + 1) // 2

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        return nonzero(key, lengths, num_steps)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        (B, T), counts = strings.shape, self.answer_length(lengths)
        M = self.answer_length(T)
        places = jnp.arange(2 * M) + 1 - lengths[:, None] % 2  # an odd number of bits gets a leading 0
        bits = jnp.take_along_axis(jnp.pad(strings, ((0, 0), (1, 1))), places, axis=1)
        one, zero = jnp.ones((B, 1), jnp.int32), jnp.zeros((B, 1), jnp.int32)

        def step(state: Pair, pair: jax.Array) -> tuple[Pair, jax.Array]:
            r, q = state  # lowest bits first
            r = jnp.concatenate([pair[:, 1:], pair[:, :1], r[:, :-2]], axis=1)
            left, short = difference(r, jnp.concatenate([one, zero, q[:, :-2]], axis=1))
            bit = jnp.where(short, 0, 1)[:, None]
            return (jnp.where(bit, left, r), jnp.concatenate([bit, q[:, :-1]], axis=1)), bit[:, 0]

        start = jnp.zeros((B, M + 2), jnp.int32)
        _, root = jax.lax.scan(step, (start, start), bits.reshape(B, M, 2).swapaxes(0, 1))
        return jnp.where(jnp.arange(M) < counts[:, None], root.T, 0), counts
