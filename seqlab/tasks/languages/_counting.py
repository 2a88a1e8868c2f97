"""Can it count? Strings of letters that all stand equally often, a block each, predicted to their end."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.tasks._ragged import RaggedTask
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class CountingTask(RaggedTask):
    """Predict the next symbol of a string of `letters`, each of them n times: a…a b…b, and so on.

    A length is n, so that `length` is the largest n and there is one string of each.

    Framing: many_to_many reads the mark # and the string, and writes the string and #, int32 `(B, T)` each,
    T = 1 + n times the number of letters; what is past that is 0. What follows an a is for the string to
    say, and so is the first b; from then on every symbol is determined. So these alone count, the b's after
    the first and all that follows, # included, in the loss as in the metrics; `sequence_accuracy` is the
    share of strings in which all are right, which is to recognise them.

    All splits hold the same strings. That counting was learnt shows beyond the n of training
    (`python -m seqlab.evaluate --lengths`).

    Class attributes:
        letters: the letters, in order; their tokens are their places here, and # comes last.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    source: ClassVar[str] = "Gers & Schmidhuber 2001; Weiss et al. 2018"
    autoregressive: ClassVar[bool] = True
    letters: ClassVar[str]

    length: int = 50
    min_length: int = 1
    curriculum: str = "uniform"

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(self.letters) + 1)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self.letters) + 1)

    def goal(self, framing: str) -> Goal:
        return Goal("sequence_accuracy", higher_is_better=True)

    def reference(self, framing: str) -> Reference:
        """Return the share of strings recognised by ending all at the same n."""
        counts = 1 if self.curriculum == "fixed" else self.length - self.min_length + 1
        return Reference(1 / counts, "the same n for all", 0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("sequence_accuracy", "accuracy")

    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        mark = len(self.letters)
        n, steps = lengths[:, None], jnp.arange(1 + mark * self.length)
        last = mark * n
        block = jnp.minimum(steps // n, mark)
        targets = jnp.where(steps <= last, block, 0)
        inputs = jnp.where(steps <= last, jnp.roll(block, 1, axis=1).at[:, 0].set(mark), 0)
        return Batch(inputs, targets, (steps > n) & (steps <= last), 1 + last[:, 0])

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Encode text such as `#aaa`, int32 `(T,)`.

        Raises:
            ConfigError: the text is empty or holds another character.
        """
        if not text or set(text) - set(self.letters + "#"):
            raise ConfigError(f"--prompt: legal characters are {self.letters}#, got {text!r}")
        return np.array([(self.letters + "#").index(letter) for letter in text], np.int32)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        return "".join((self.letters + "#")[token] for token in np.ravel(sequence))
