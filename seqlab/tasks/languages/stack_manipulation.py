"""Rule of stack manipulation: the stack that a series of pushes and pops leaves."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Length, Pair, Rule


@dataclasses.dataclass(frozen=True)
class StackManipulation(Rule):
    """Write a stack of bits, from its top down, as it is after pops and pushes.

    The string holds the stack, its top last, and then the actions: 2 pops, 3 pushes a 0, 4 pushes a 1. A pop
    of an empty stack changes nothing. The answer ends with a 2. Bits and actions are uniform, and so is the
    height of the stack in [1, L − 1]; a string of one symbol is a stack without actions.

    A random symbol is right once in three times. A constant bit is right nearly half of the time (.47 at
    lengths up to 40), as each answer has only one 2.

    >>> StackManipulation().answer([0, 1, 1, 2, 3])  # the last 1 is popped, then a 0 is pushed
    [0, 1, 0, 2]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.2 (deterministic context-free).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "encoder_decoder")
    num_symbols: ClassVar[int] = 5
    num_answers: ClassVar[int] = 3
    end: ClassVar[int | None] = 2

    def answer_length(self, length: Length) -> Length:
        return length + 1

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        height_key, bits_key, actions_key = jax.random.split(key, 3)
        shape, steps = (len(lengths), num_steps), jnp.arange(num_steps)
        height = jax.random.randint(height_key, lengths.shape, 1, jnp.maximum(lengths, 2))
        bits = jax.random.randint(bits_key, shape, 0, 2)
        actions = jax.random.randint(actions_key, shape, 2, 5)
        strings = jnp.where(steps < height[:, None], bits, actions)
        return jnp.where(steps < lengths[:, None], strings, 0)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        real, pops = jnp.arange(strings.shape[1]) < lengths[:, None], strings == 2
        walk = jnp.where(real, jnp.where(pops, -1, 1), 0).cumsum(axis=1)
        heights = walk - jnp.minimum(jax.lax.cummin(walk, axis=1), 0)  # never below 0
        left = heights[:, -1:]
        stays = real & ~pops & (jax.lax.cummin(heights, axis=1, reverse=True) == heights)
        M = strings.shape[1] + 1
        places = jnp.where(stays, left - heights, M)
        rows = jnp.arange(len(strings))[:, None]
        answers = jnp.zeros((len(strings), M), jnp.int32).at[rows, left].set(2)
        return answers.at[rows, places].set(strings % 3, mode="drop"), left[:, 0] + 1
