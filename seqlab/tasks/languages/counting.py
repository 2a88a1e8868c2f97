"""Counting languages, such as aⁿbⁿ and aⁿbⁿcⁿ: strings with n of each letter, predicted to their end."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class Counting(Task):
    """Predict the next symbol of a string that holds each letter n times, in order.

        ab: y_t = b for n < t < 2n,   y_2n = #
        abc: y_t = b for n < t < 2n,   y_t = c for 2n ≤ t < 3n,   y_3n = #

    >>> task = Counting("ab", length=3, curriculum="fixed")
    >>> batch = task.batch(jax.random.key(0), 1)
    >>> for row in batch.inputs[0], batch.targets[0]:
    ...     print(task.render(row, "many_to_many"))
    #aaabbb
    aaabbb#
    >>> "".join("-+"[int(counts)] for counts in batch.mask[0])
    '----+++'

    A length is n, so there is one string of each length. One counter is enough for aⁿbⁿ, which is
    context-free; aⁿbⁿcⁿ is context-sensitive and needs two.

    Framing: many_to_many reads the mark # and the string, and writes the string and #, both int32 `(B, T)`
    with T = 1 + n × the number of letters; later steps hold 0. The number of a's, and so the first b, cannot
    be predicted; all later symbols are determined. So the symbols after the first b count, # included, in the
    loss and in the metrics. `sequence_accuracy` is the share of strings in which all of them are right, which
    is the share of recognised strings.

    All splits hold the same strings. Evaluate at an n beyond those of training to see whether counting was
    learnt (`python -m seqlab.evaluate --lengths`).

    Attributes:
        letters: two or more different letters. Tokens are places in `letters`; # is the last token.
        length, min_length, curriculum: n (`Lengths`).
        num_evaluation_examples: the number of examples of an evaluation pass.

    Raises:
        ValueError: `letters` are not two or more different letters.

    Source: F. Gers & J. Schmidhuber, "LSTM Recurrent Networks Learn Simple Context Free and Context Sensitive
        Languages", IEEE Transactions on Neural Networks 12(6), 2001; G. Weiss, Y. Goldberg & E. Yahav, "On
        the Practical Computational Power of Finite Precision RNNs", arXiv:1805.04908, 2018.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Gers & Schmidhuber 2001; Weiss et al. 2018"
    autoregressive: ClassVar[bool] = True

    letters: str
    length: int = 50
    min_length: int = 1
    curriculum: str = "uniform"
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.letters.isalpha() or len(set(self.letters)) < max(2, len(self.letters)):
            raise ValueError(f"letters must be two or more different letters, got {self.letters!r}")

    @property
    def name(self) -> str:
        """The name of the language, such as `an_bn` for the letters `ab`."""
        return "_".join(f"{letter}n" for letter in self.letters)

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(self.letters) + 1)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self.letters) + 1)

    def goal(self, framing: str) -> Goal:
        return Goal("sequence_accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the simple predictors, and that of a network which ends all strings at the same n."""
        same = {"the same n for all": 1 / len(self.sequence_lengths.evaluated)}
        return simple_reference(self, framing, split, threshold=0.99, further=same)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("sequence_accuracy", "accuracy")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        mark = len(self.letters)
        n, steps = lengths[:, None], jnp.arange(1 + mark * self.length)
        last = mark * n
        symbols = jnp.minimum(steps // n, mark)
        targets = jnp.where(steps <= last, symbols, 0)
        inputs = jnp.where(steps <= last, jnp.roll(symbols, 1, axis=1).at[:, 0].set(mark), 0)
        return Batch(inputs, targets, (steps > n) & (steps <= last), 1 + last[:, 0])

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Encode text such as `#aaa`, int32 `(T,)`.

        Raises:
            ConfigError: the text is empty or holds another character.
        """
        if not text or set(text) - set(self.letters + "#"):
            raise ConfigError(f"prompt: legal characters are {self.letters}#, got {text!r}")
        return np.array([(self.letters + "#").index(letter) for letter in text], np.int32)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the letters of tokens."""
        return "".join((self.letters + "#")[token] for token in np.ravel(sequence))
