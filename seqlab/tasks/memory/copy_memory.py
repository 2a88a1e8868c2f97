"""The copy memory task: store ten symbols during a delay."""

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

NUM_RECALLED = 10
NUM_SYMBOLS = 8
BLANK, MARKER = 8, 9


@dataclasses.dataclass(frozen=True)
class CopyMemory(Task):
    """Read ten symbols, wait, and write them after a marker.

        inputs   s_1 … s_10,  T − 1 blanks,  a marker,  10 blanks
        targets  T + 10 blanks,  s_1 … s_10                 s_i uniform over 8 symbols

    >>> batch = CopyMemory(length=2).arrange(jnp.array([[3, 1, 4, 1, 5, 7, 2, 6, 5, 3]]), jnp.array([2]))
    >>> batch.inputs[0].tolist()
    [3, 1, 4, 1, 5, 7, 2, 6, 5, 3, 8, 9, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]
    >>> batch.targets[0].tolist()
    [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 3, 1, 4, 1, 5, 7, 2, 6, 5, 3]

    A length is the delay T: the marker is read T steps after s_10. A sequence has T + 20 steps, and all of
    them count in the loss. A predictor without memory knows where the blanks are and guesses one of 8
    symbols, at a cost of 10 ln 8 / (T + 20) nats a step. The accuracy is mostly that of the blanks; look at
    sequence_accuracy, the share of sequences with all ten symbols right.

    Framing: many_to_many reads int32 `(B, T + 20)` of 10 tokens (8 is the blank, 9 the marker) and writes
    `(B, T + 20)` of 9. Steps after the end of a sequence hold 0. The splits are separate random streams.

    Attributes:
        length, min_length, curriculum: the delay (`Lengths`).
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: M. Arjovsky, A. Shah & Y. Bengio, "Unitary Evolution Recurrent Neural Networks", arXiv:1511.06464,
        2016; after S. Hochreiter & J. Schmidhuber, "Long Short-Term Memory", 1997. There T is
        the same for all sequences, as it is here by default.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Arjovsky et al. 2016"

    length: int = 30
    min_length: int = 1
    curriculum: str = "fixed"
    num_evaluation_examples: int = 1024

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(NUM_SYMBOLS + 2)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(NUM_SYMBOLS + 1)

    def goal(self, framing: str) -> Goal:
        return Goal("cross_entropy", higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the simple predictors, and that of a network without memory; the threshold is half of that.

        Without memory, the best is to answer blanks up to the marker, and then a symbol at random.
        """
        steps = [length + 2 * NUM_RECALLED for length in self.sequence_lengths.evaluated]
        memoryless = NUM_RECALLED * math.log(NUM_SYMBOLS) * len(steps) / sum(steps)
        further = {"blanks, then a symbol at random": memoryless}
        return simple_reference(self, framing, split, threshold=memoryless / 2, further=further)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("cross_entropy", "accuracy", "sequence_accuracy")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        return self.arrange(jax.random.randint(key, (len(lengths), NUM_RECALLED), 0, NUM_SYMBOLS), lengths)

    def arrange(self, symbols: jax.Array, lengths: jax.Array) -> Batch:
        """Return the batch of int32 symbols `(B, 10)` and delays `(B,)`."""
        steps = jnp.arange(self.length + 2 * NUM_RECALLED)
        since_marker = steps - (lengths[:, None] + NUM_RECALLED - 1)
        real = since_marker <= NUM_RECALLED
        shown = jnp.pad(symbols, ((0, 0), (0, self.length + NUM_RECALLED)), constant_values=BLANK)
        inputs = jnp.where(since_marker == 0, MARKER, shown)
        recalled = jnp.take_along_axis(symbols, jnp.clip(since_marker - 1, 0, NUM_RECALLED - 1), axis=1)
        targets = jnp.where(since_marker > 0, recalled, BLANK)
        return Batch(jnp.where(real, inputs, 0), targets, real, lengths + 2 * NUM_RECALLED)
