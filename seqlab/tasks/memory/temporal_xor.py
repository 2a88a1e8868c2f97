"""Does it find structure in time? Elman's temporal XOR."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks._ragged import RaggedTask
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class TemporalXor(RaggedTask):
    """Predict the next bit of a stream in which every third is the XOR of the two before it.

        x_{3k+2} = x_{3k} ⊕ x_{3k+1},   all others fair coins;   y_t = x_{t+1}

    >>> batch = TemporalXor(length=6).arrange(jnp.array([[[1, 0], [1, 1], [0, 1]]]), jnp.array([6]))
    >>> batch.inputs[0].tolist()
    [1, 0, 1, 1, 1, 0]
    >>> batch.targets[0].tolist()
    [0, 1, 1, 1, 0, 0]

    Any two of three bits are independent, so that who sees the last one alone is left with ln 2 nats a bit.
    Who knows the rule and counts to three predicts ⌊(T + 1)/3⌋ of T bits for certain: the floor is 2/3 ln 2
    where T is a multiple of 3. Nothing does better on average.

    Framing: many_to_many reads int32 bits `(B, T)`, from the first of a triple, and writes the next ones
    `(B, T)`; all count. Steps past a sequence's end hold 0. The splits are separate random streams.

    Source: J. Elman, "Finding Structure in Time", Cognitive Science 14, 1990: a stream of 3,000 bits, judged
        by the squared error, here in sequences of T and by the cross-entropy.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    source: ClassVar[str] = "Elman 1990"

    shortest: ClassVar[int] = 2

    length: int = 30
    min_length: int = 2
    curriculum: str = "fixed"

    def input_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def goal(self, framing: str) -> Goal:
        return Goal("cross_entropy", higher_is_better=False)

    def reference(self, framing: str) -> Reference:
        """Return the nats a bit of a coin; the threshold is .01 above the floor."""
        return Reference(math.log(2), "a fair coin", self.floor + 0.01)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the floor, the entropy of a bit in nats when the rule is known."""
        return {"floor": self.floor}

    @property
    def floor(self) -> float:
        """The mean entropy of a bit in nats, given all before it."""
        certain = sum((length + 1) // 3 for length in self.lengths_drawn)
        return (1 - certain / sum(self.lengths_drawn)) * math.log(2)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("cross_entropy", "accuracy")

    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        shape = (len(lengths), self.length // 3 + 1, 2)
        return self.arrange(jax.random.bernoulli(key, shape=shape).astype(jnp.int32), lengths)

    def arrange(self, coins: jax.Array, lengths: jax.Array) -> Batch:
        """Return the streams made of coins `(B, ⌊T/3⌋ + 1, 2)`, two of each triple of bits."""
        triples = jnp.append(coins, coins[..., :1] ^ coins[..., 1:], axis=-1)
        bits = triples.reshape(len(coins), -1)[:, : self.length + 1]
        real = jnp.arange(self.length) < lengths[:, None]
        return Batch(jnp.where(real, bits[:, :-1], 0), bits[:, 1:], real, lengths)
