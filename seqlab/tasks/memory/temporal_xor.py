"""Temporal XOR: predict every third bit of a stream (Elman)."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class TemporalXor(Task):
    """Predict the next bit of a stream in which every third bit is the XOR of the two before it.

        x_{3k+2} = x_{3k} ⊕ x_{3k+1},   all other bits are fair coins;   y_t = x_{t+1}

    >>> batch = TemporalXor(length=6).arrange(jnp.array([[[1, 0], [1, 1], [0, 1]]]), jnp.array([6]))
    >>> batch.inputs[0].tolist()
    [1, 0, 1, 1, 1, 0]
    >>> batch.targets[0].tolist()
    [0, 1, 1, 1, 0, 0]

    Any two bits of a triple are independent, so the last bit alone does not help: the loss is ln 2 nats a
    bit. A predictor that knows the rule and counts to three is certain of ⌊(T + 1)/3⌋ of T bits. Its loss is
    the lower bound, 2/3 ln 2 where T is a multiple of 3.

    Framing: many_to_many reads int32 bits `(B, T)`, from the first bit of a triple, and writes the next bit
    of each, `(B, T)`; all count. Steps after the end of a sequence hold 0. The splits are separate random
    streams.

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`).
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: J. Elman, "Finding Structure in Time", Cognitive Science 14, 1990: one stream of 3,000 bits with
        the squared error; here sequences of T bits with the cross-entropy.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Elman 1990"

    length: int = 30
    min_length: int = 2
    curriculum: str = "fixed"
    num_evaluation_examples: int = 1024

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, shortest=2)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def goal(self, framing: str) -> Goal:
        return Goal("cross_entropy", higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the simple predictors; the threshold is .01 nats above the lower bound."""
        return simple_reference(self, framing, split, threshold=self.floor + 0.01)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the simple predictors and the lower bound, the loss of a predictor that knows the rule."""
        return super().baselines(split, framing) | {"floor": self.floor}

    @property
    def floor(self) -> float:
        """The mean entropy of a bit in nats, given all before it."""
        certain = sum((length + 1) // 3 for length in self.sequence_lengths.evaluated)
        return (1 - certain / sum(self.sequence_lengths.evaluated)) * math.log(2)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("cross_entropy", "accuracy")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        shape = (len(lengths), self.length // 3 + 1, 2)
        return self.arrange(jax.random.bernoulli(key, shape=shape).astype(jnp.int32), lengths)

    def arrange(self, coins: jax.Array, lengths: jax.Array) -> Batch:
        """Return the batch of coins `(B, ⌊T/3⌋ + 1, 2)`, the first two bits of each triple."""
        triples = jnp.append(coins, coins[..., :1] ^ coins[..., 1:], axis=-1)
        bits = triples.reshape(len(coins), -1)[:, : self.length + 1]
        real = jnp.arange(self.length) < lengths[:, None]
        return Batch(jnp.where(real, bits[:, :-1], 0), bits[:, 1:], real, lengths)
