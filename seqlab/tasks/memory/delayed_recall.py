"""For how long can it hold one symbol, with nothing in the way? Noiseless delayed recall."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.tasks._ragged import RaggedTask
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class DelayedRecall(RaggedTask):
    """Name the first symbol of a sequence after a delay of blanks, all alike.

        x = s, blank, …, blank,   y = s,   s uniform over the symbols

    >>> batch = DelayedRecall(length=3).arrange(jnp.array([5]), jnp.array([3]))
    >>> batch.inputs[0].tolist(), batch.targets.tolist()
    ([5, 8, 8, 8], [5])

    `length` is the delay, the number of blanks. A symbol at random is right once in `num_symbols` times.

    Framing: many_to_one reads int32 `(B, length + 1)`, with `num_symbols` the blank, and writes the symbol
    `(B,)` at the last blank. Steps past a sequence's end hold 0. There are as many sequences of a length as
    symbols, so that the splits share all of them: what is learnt shows at other delays.

    Attributes:
        num_symbols: how many symbols there are.

    Raises:
        ValueError: not two symbols.

    Source: the noise-free long time lags of S. Hochreiter & J. Schmidhuber, "Long Short-Term Memory", Neural
        Computation 9(8), 1997, experiment 2a, and the noiseless memorization of J. Martens & I. Sutskever,
        "Learning Recurrent Neural Networks with Hessian-Free Optimization", 2011. Theirs ask for one of two
        symbols after p different ones, and for five bits or ten symbols after a cue; this is the simplest of
        their kind: one symbol, one blank, no cue but the end.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    source: ClassVar[str] = "after Hochreiter & Schmidhuber 1997; Martens & Sutskever 2011"

    length: int = 50
    min_length: int = 1
    curriculum: str = "fixed"
    num_symbols: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_symbols")
        if self.num_symbols < 2:
            raise ValueError(f"num_symbols must be an integer of at least 2, got {self.num_symbols}")

    def input_spec(self, framing: str) -> Spec:
        return Tokens(self.num_symbols + 1)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(self.num_symbols)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str) -> Reference:
        return Reference(1 / self.num_symbols, "a symbol at random", 0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        return self.arrange(jax.random.randint(key, lengths.shape, 0, self.num_symbols), lengths)

    def arrange(self, symbols: jax.Array, lengths: jax.Array) -> Batch:
        """Return the sequences that ask for int32 symbols `(B,)` after delays `(B,)`."""
        steps = jnp.arange(self.length + 1)
        blanks = jnp.where(steps <= lengths[:, None], self.num_symbols, 0)
        inputs = jnp.where(steps == 0, symbols[:, None], blanks)
        return Batch(inputs, symbols, jnp.ones(lengths.shape, bool), lengths + 1)
