"""Rule of cycle navigation: the last place of a walk on a cycle."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks.languages.rule import Pair, Rule


@dataclasses.dataclass(frozen=True)
class CycleNavigation(Rule):
    """Name the last place of a walk on a cycle of five places that starts at place 0.

        y = Σ_t (x_t − 1) mod 5,   0 is a step back, 1 a stay, 2 a step forward

    A random place is right once in five times. Short walks end near their start: after L steps the constant 0
    is right with probability ⅕ Σ_k ((1 + 2 cos(2πk/5)) / 3)^L, ⅓ after one and ⅕ after many.

    >>> CycleNavigation().answer([2, 2, 1, 2])
    [3]
    >>> CycleNavigation().answer([0, 0, 1])
    [3]

    Source: G. Delétang et al., arXiv:2207.02098, 2023, appendix A.1.1 (a regular language).
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 3
    num_answers: ClassVar[int] = 5

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        # Padding is 0, so 1 is subtracted for the real steps only.
        return (strings.sum(axis=1) - lengths)[:, None] % 5, jnp.ones_like(lengths)
