"""Delayed recall: name the first symbol after a delay without distractors."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class DelayedRecall(Task):
    """Name the first symbol of a sequence after a delay of equal blanks.

        x = s, blank, …, blank,   y = s,   s uniform over the symbols

    >>> batch = DelayedRecall(length=3).arrange(jnp.array([5]), jnp.array([3]))
    >>> batch.inputs[0].tolist(), batch.targets.tolist()
    ([5, 8, 8, 8], [5])

    A length is the delay, the number of blanks. A random symbol is right once in `num_symbols` times.

    Framing: many_to_one reads int32 `(B, length + 1)`, where the token `num_symbols` is the blank, and writes
    the symbol, `(B,)`. Steps after the end of a sequence hold 0. The sequences of one length are as few as
    the symbols, so all splits hold the same ones; evaluate at other delays to see generalisation.

    Attributes:
        length, min_length, curriculum: the delay (`Lengths`).
        num_symbols: the number of symbols, at least 2.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: the noise-free long time lags of S. Hochreiter & J. Schmidhuber, "Long Short-Term Memory", Neural
        Computation 9(8), 1997, experiment 2a, and the noiseless memorization of J. Martens & I. Sutskever,
        "Learning Recurrent Neural Networks with Hessian-Free Optimization", 2011. Theirs ask for one of two
        symbols after p different ones, and for five bits or ten symbols after a cue. This is the simplest
        such task: one symbol, one blank, and no cue but the end.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    origin: ClassVar[str] = "after Hochreiter & Schmidhuber 1997; Martens & Sutskever 2011"

    length: int = 50
    min_length: int = 1
    curriculum: str = "fixed"
    num_symbols: int = 8
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_symbols")
        if self.num_symbols < 2:
            raise ValueError(f"num_symbols must be an integer of at least 2, got {self.num_symbols}")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(self.num_symbols + 1)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(self.num_symbols)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        return self.arrange(jax.random.randint(key, lengths.shape, 0, self.num_symbols), lengths)

    def arrange(self, symbols: jax.Array, lengths: jax.Array) -> Batch:
        """Return the batch of int32 symbols `(B,)` and delays `(B,)`."""
        steps = jnp.arange(self.length + 1)
        blanks = jnp.where(steps <= lengths[:, None], self.num_symbols, 0)
        inputs = jnp.where(steps == 0, symbols[:, None], blanks)
        return Batch(inputs, symbols, jnp.ones(lengths.shape, bool), lengths + 1)
