"""Rule of the missing duplicate: the bit that is missing from a repeated string."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Pair, Rule, rearranged


@dataclasses.dataclass(frozen=True)
class MissingDuplicateString(Rule):
    """Name the bit that is missing, marked by 2, from a bit string that is written twice.

        x = w w except x_j = 2,   y = w_{j mod H},   H = ⌊L/2⌋ the length of w

    w and j are uniform; where L is odd a 3 follows. The string of one symbol is the bit 1 as in the
    reference, which is no missing duplicate; so use `min_length` 2. A random bit is right half of the time.

    >>> MissingDuplicateString().answer([1, 0, 0, 1, 2, 0, 3])
    [0]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.3 (context-sensitive).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 4
    num_answers: ClassVar[int] = 2

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        bits_key, missing_key = jax.random.split(key)
        bits = jax.random.randint(bits_key, (len(lengths), num_steps), 0, 2)
        half, steps = jnp.maximum(lengths // 2, 1), jnp.arange(num_steps)
        missing = jax.random.randint(missing_key, lengths.shape, 0, 2 * half)
        strings = rearranged(bits, steps % half[:, None], lengths)
        strings = jnp.where(steps == missing[:, None], 2, strings)
        odd = (lengths % 2 == 1)[:, None] & (steps == lengths[:, None] - 1)
        return jnp.where(lengths[:, None] == 1, steps == 0, jnp.where(odd, 3, strings)).astype(jnp.int32)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        half, missing = lengths // 2, jnp.argmax(strings == 2, axis=1)
        twin = jnp.where(missing < half, missing + half, missing - half)
        return rearranged(strings, twin[:, None], jnp.ones_like(lengths)), jnp.ones_like(lengths)
