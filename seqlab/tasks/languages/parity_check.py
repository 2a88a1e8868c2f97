"""Parity check: whether a bit string has an odd number of ones."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.languages import _disjoint_splits as splits
from seqlab.tasks.languages.rule import Pair, Rule
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens, Vectors


@dataclasses.dataclass(frozen=True)
class Parity(Rule):
    """Decide whether the number of ones of a bit string is even (0) or odd (1).

    >>> Parity().answer([0, 1, 1, 1])
    [1]
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 2
    num_answers: ClassVar[int] = 2

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        real = jnp.arange(num_steps) < lengths[:, None]
        return (jax.random.bernoulli(key, shape=real.shape) & real).astype(jnp.int32)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        return strings.sum(axis=1, keepdims=True) % 2, jnp.ones_like(lengths)


@dataclasses.dataclass(frozen=True)
class ParityCheck(Task):
    """Decide whether the number of ones of a bit string is even or odd.

        y = Σ_t x_t mod 2,   running parity y_t = (x_0 + … + x_t) mod 2

    Example: 0 1 1 1 has the running parity 0 1 0 1 and the parity 1.

    Framings: many_to_one reads int32 bits `(B, T)` and writes the parity, `(B,)`; many_to_many writes the
    running parity, `(B, T)`; one_to_one reads all bits at once, float32 `(B, T)`. Strings are padded with 0.
    No string occurs in two splits (`_disjoint_splits`).

    Attributes:
        length, min_length, curriculum: the number of bits (`Lengths`), at least 4, so that each split has
            strings of each parity.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: M. Minsky & S. Papert, "Perceptrons", 1969; as the regular language "parity check" in
        G. Delétang et al., "Neural Networks and the Chomsky Hierarchy", arXiv:2207.02098, 2023.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_one")
    origin: ClassVar[str] = "Minsky & Papert 1969; Delétang et al. 2023"
    rule: ClassVar[Rule] = Parity()

    length: int = 20
    min_length: int = 4
    curriculum: str = "uniform"
    num_evaluation_examples: int = 1024

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, shortest=splits.NUM_DESIGNATED + 1)

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.length) if framing == "one_to_one" else Tokens(2)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy") if framing == "many_to_many" else ("accuracy",)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        bits_key, split_key = jax.random.split(key)
        real = jnp.arange(self.length) < lengths[:, None]
        bits = self.rule.strings(bits_key, lengths, self.length)
        bits = splits.move_to_split(split_key, bits, lengths, split, alphabet=2)
        if framing == "many_to_many":
            return Batch(bits, bits.cumsum(axis=1) % 2, real, lengths)
        parity, mask = self.rule.answers(bits, lengths)[0][:, 0], jnp.ones(len(lengths), bool)
        if framing == "one_to_one":
            return Batch(bits.astype(jnp.float32), parity, mask)
        return Batch(bits, parity, mask, lengths)

    def examples(self, key: jax.Array, length: int, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Draw strings of one length, from all splits together, and their parities; as `Rule.examples`."""
        return self.rule.examples(key, length, size)
