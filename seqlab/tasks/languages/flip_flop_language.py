"""The flip-flop language: read back the bit that was written last, whatever was ignored since."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_number
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens

WRITE, READ, IGNORE, ZERO = 0, 1, 2, 3
"""The tokens of the instructions and of the bit 0; that of the bit 1 is 4."""


@dataclasses.dataclass(frozen=True)
class FlipFlopLanguage(Task):
    """Name the bit that was written last, wherever it is to be read.

        w b: write the bit b      i b: ignore the bit b      r b: b is the bit that was written last

    >>> batch = FlipFlopLanguage(length=4).arrange(jnp.array([[0, 2, 2, 1]]), jnp.array([[1, 0, 0, 0]]))
    >>> batch.inputs[0].tolist()  # w 1 i 0 i 0 r
    [0, 4, 2, 3, 2, 3, 1]
    >>> batch.targets[0, -1].item(), batch.mask[0].nonzero()[0].tolist()
    (1, [6])

    A string of n instructions begins with w and ends with r. Each other one is i with the probability p, and
    w or r with (1 − p)/2 each. The bits after w and i are uniform. Only the bits after r are determined, so
    the steps that read an r count, and their targets are these bits. A long stretch of ignored bits makes
    attention err, while one bit of memory is enough.

    Framing: many_to_many reads the string but its last bit, int32 `(B, 2n − 1)` of 5 tokens, and writes bits,
    `(B, 2n − 1)`. Steps after the end of a string hold 0. The splits are separate random streams.

    Attributes:
        length, min_length, curriculum: the number of instructions n (`Lengths`), at least 2.
        ignore_probability: p.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: B. Liu, J. Ash, S. Goel, A. Krishnamurthy & C. Zhang, "Exposing Attention Glitches with Flip-Flop
        Language Modeling", arXiv:2306.00946, 2023: FFL(.8) with 256 instructions in training, FFL(.98) and
        FFL(.1) in tests. There all tokens are predicted in one of the two modes of training; here, as in the
        other, those that are determined.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Liu et al. 2023"

    length: int = 64
    min_length: int = 2
    curriculum: str = "fixed"
    ignore_probability: float = 0.8
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "ignore_probability", low=0)
        if self.ignore_probability > 1:
            raise ValueError(f"ignore_probability must be from 0 to 1, got {self.ignore_probability}")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, shortest=2)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(5)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        kinds_key, bits_key = jax.random.split(key)
        shape, steps = (len(lengths), self.length), jnp.arange(self.length)
        kinds, p = jax.random.uniform(kinds_key, shape), self.ignore_probability
        instructions = jnp.where(kinds < p, IGNORE, jnp.where(kinds < (1 + p) / 2, WRITE, READ))
        instructions = jnp.where(steps == lengths[:, None] - 1, READ, instructions.at[:, 0].set(WRITE))
        batch = self.arrange(instructions, jax.random.randint(bits_key, shape, 0, 2))
        ends = 2 * lengths - 1
        real = jnp.arange(2 * self.length - 1) < ends[:, None]
        inputs, targets = (jnp.where(real, array, 0) for array in batch[:2])
        return Batch(inputs, targets, batch.mask & real, ends)

    def arrange(self, instructions: jax.Array, bits: jax.Array) -> Batch:
        """Return the batch of instructions and of bits, int32 `(B, n)`; bits that are read are replaced."""
        steps = jnp.arange(instructions.shape[1])
        written = jax.lax.cummax(jnp.where(instructions == WRITE, steps, 0), axis=1)
        bits = jnp.where(instructions == READ, jnp.take_along_axis(bits, written, axis=1), bits)
        tokens = jnp.stack([instructions, ZERO + bits], axis=-1).reshape(len(bits), -1)
        reads = tokens[:, :-1] == READ
        return Batch(tokens[:, :-1], jnp.where(reads, tokens[:, 1:] - ZERO, 0), reads)
