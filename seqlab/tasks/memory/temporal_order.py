"""Temporal order: name the order of two or three symbols among distractors."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_choice
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens

NUM_DISTRACTORS = 4
TENTHS = {2: (1, 4), 3: (1, 3, 6)}
"""The tenth of the sequence that holds each symbol that counts, by the number of these symbols."""


@dataclasses.dataclass(frozen=True)
class TemporalOrder(Task):
    """Name the order in which the symbols X (0) and Y (1) occur among distractors a, b, c, d (2 to 5).

        y = Σ_i 2^(n − i) e_i,   e_i ∈ {X, Y} at t_i,   anything else is a distractor
        n = 2:  t_1 ∈ [T/10, 2T/10),  t_2 ∈ [4T/10, 5T/10)
        n = 3:  t_1 ∈ [T/10, 2T/10),  t_2 ∈ [3T/10, 4T/10),  t_3 ∈ [6T/10, 7T/10)

    all uniform; bounds are rounded down, and a range that would be empty holds its lower bound. The classes
    XX, XY, YX, YY are 0 to 3, and XXX to YYY are 0 to 7. They are equally likely, so a random class is right
    once in 2^n times.

    >>> batch = TemporalOrder(length=10).arrange(
    ...     jnp.array([[2, 5, 3, 4, 4, 2, 5, 5, 3, 2]]), jnp.array([[1, 4]]), jnp.array([[1, 0]])
    ... )
    >>> batch[0].tolist(), batch[1].tolist()
    ([[2, 1, 3, 4, 0, 2, 5, 5, 3, 2]], [2])

    Framing: many_to_one reads int32 `(B, T)` and writes the class, `(B,)`. Steps after the end of a sequence
    hold 0. The splits are separate random streams.

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`).
        num_symbols: n, the number of symbols that count, 2 or 3.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: S. Hochreiter & J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997,
        experiments 6a and 6b, with 100 to 110 symbols between a special first and last one. R. Pascanu,
        T. Mikolov & Y. Bengio, arXiv:1211.5063, 2013, leave these out and give the ranges as shares of T;
        their ranges are used here. In the original the second of two symbols is at steps 50 to 60.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    origin: ClassVar[str] = "Hochreiter & Schmidhuber 1997; Pascanu et al. 2013"

    length: int = 50
    min_length: int = 4
    curriculum: str = "fixed"
    num_symbols: int = 2
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "num_symbols", tuple(TENTHS))

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, shortest=4)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(2 + NUM_DISTRACTORS)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2**self.num_symbols)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        distractors_key, positions_key, symbols_key = jax.random.split(key, 3)
        size, tenths = len(lengths), jnp.array(TENTHS[self.num_symbols])
        distractors = jax.random.randint(distractors_key, (size, self.length), 2, 2 + NUM_DISTRACTORS)
        real = jnp.arange(self.length) < lengths[:, None]
        low, high = tenths * lengths[:, None] // 10, (tenths + 1) * lengths[:, None] // 10
        shape = (size, self.num_symbols)
        positions = jax.random.randint(positions_key, shape, low, jnp.maximum(high, low + 1))
        symbols = jax.random.randint(symbols_key, shape, 0, 2)
        inputs, classes = self.arrange(jnp.where(real, distractors, 0), positions, symbols)
        return Batch(inputs, classes, jnp.ones(size, bool), lengths)

    def arrange(
        self, distractors: jax.Array, positions: jax.Array, symbols: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Insert symbols `(B, n)` at positions `(B, n)` of distractors `(B, T)`, all int32.

        Returns:
            The sequences, int32 `(B, T)`, and their classes, int32 `(B,)`.
        """
        inputs = distractors.at[jnp.arange(len(symbols))[:, None], positions].set(symbols)
        return inputs, symbols @ 2 ** jnp.arange(self.num_symbols - 1, -1, -1)
