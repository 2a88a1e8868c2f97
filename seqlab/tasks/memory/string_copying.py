"""String copying: write a string again after it was read, with the network's own output as input."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARK = ">"


@dataclasses.dataclass(frozen=True)
class StringCopying(Task):
    """Write a string of letters again after it was read.

        inputs   s_1 … s_L > s_1 … s_{L−1}
        targets  L steps that do not count,  s_1 … s_L            s_i uniform over V letters

    >>> batch = StringCopying(length=3).arrange(jnp.array([[2, 0, 1]]), jnp.array([3]))
    >>> batch.inputs[0].tolist()  # 26 is the mark
    [2, 0, 1, 26, 2, 0]
    >>> jnp.where(batch.mask, batch.targets, -1)[0].tolist()
    [-1, -1, -1, 2, 0, 1]

    A network that reads what it wrote can find the next letter by the letters before it, which occur in the
    string too; `duplicate_string` gives it blanks to read. `sequence_accuracy` is the share of strings that
    are copied without an error, the same whether the network reads the targets or what it writes.

    Framing: many_to_many reads int32 `(B, 2L)` of V + 1 tokens and writes `(B, 2L)` of V. Steps after the end
    of a sequence hold 0. The splits are separate random streams.

    Attributes:
        length, min_length, curriculum: the number of letters L (`Lengths`).
        num_letters: V, at most 26.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: S. Jelassi, D. Brandfonbrener, S. Kakade & E. Malach, "Repeat After Me: Transformers are Better
        than State Space Models at Copying", arXiv:2402.01032, 2024.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Jelassi et al. 2024"
    autoregressive: ClassVar[bool] = True

    length: int = 20
    min_length: int = 1
    curriculum: str = "uniform"
    num_letters: int = 26
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_letters")
        if self.num_letters > len(LETTERS):
            raise ValueError(f"num_letters must be at most {len(LETTERS)}, got {self.num_letters}")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(self.num_letters + 1)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(self.num_letters)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        return self.arrange(
            jax.random.randint(key, (len(lengths), self.length), 0, self.num_letters), lengths
        )

    def arrange(self, letters: jax.Array, lengths: jax.Array) -> Batch:
        """Return the batch of int32 letters `(B, T)`, of which the first `lengths` `(B,)` of a row count."""
        steps, ends = jnp.arange(2 * self.length), lengths[:, None]
        place = jnp.where(steps < ends, steps, steps - ends - 1)  # of what is read; −1 at the mark
        read = jnp.take_along_axis(letters, jnp.clip(place, 0, self.length - 1), axis=1)
        inputs = jnp.where(steps == ends, self.num_letters, jnp.where(steps < 2 * ends, read, 0))
        counts = (steps >= ends) & (steps < 2 * ends)
        targets = jnp.take_along_axis(letters, jnp.clip(steps - ends, 0, self.length - 1), axis=1)
        return Batch(inputs, jnp.where(counts, targets, 0), counts, 2 * lengths)

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Encode letters and the mark such as `cab>`, int32 `(T,)`.

        Raises:
            ConfigError: the text is empty or holds another character.
        """
        legal = LETTERS[: self.num_letters]
        if not text or set(text) - set(legal + MARK):
            raise ConfigError(f"prompt: legal are the letters {legal} and then {MARK}, got {text!r}")
        return np.array([legal.find(letter) if letter != MARK else len(legal) for letter in text], np.int32)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return letters as text."""
        return "".join((LETTERS[: self.num_letters] + MARK)[token] for token in np.ravel(sequence))
