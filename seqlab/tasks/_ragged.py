"""How long is an example? Generated tasks whose sequences have any length up to one, and the curricula."""

from __future__ import annotations

import abc
import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_choice, require_positive
from seqlab.tasks.task import SPLITS, GeneratedTask
from seqlab.types import Batch

CURRICULA = ("fixed", "uniform", "growing")


@dataclasses.dataclass(frozen=True)
class RaggedTask(GeneratedTask):
    """A generated task whose sequences have any length in a range, all padded to the longest.

    One compiled program serves every length, as the range is an array: `data` is int32 `(2,)`, the shortest
    and the longest length drawn; empty where all sequences have `length`, and no step is padding.

    Class attributes:
        shortest: the least length that the rule allows.

    Attributes:
        length: the longest length, L.
        min_length: the shortest length, l.
        curriculum: which lengths are drawn, each as often as another: "fixed", L alone; "uniform", l to L;
            "growing", in training l to l + ⌊min(1, 2 p) (L − l)⌋ with p the share of the updates that are
            made, so that all of the second half is uniform.

    Raises:
        ValueError: no integers with shortest ≤ min_length ≤ length, or an unknown curriculum.
    """

    shortest: ClassVar[int] = 1

    length: int
    min_length: int
    curriculum: str

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "length", "min_length")
        if self.length < self.shortest:
            raise ValueError(f"length must be an integer of at least {self.shortest}, got {self.length}")
        require_choice(self, "curriculum", CURRICULA)
        if self.curriculum != "fixed" and not self.shortest <= self.min_length <= self.length:
            raise ValueError(
                f"min_length must be from {self.shortest} to length={self.length}, got {self.min_length}"
            )

    @functools.cached_property
    def data(self) -> Any:
        """The range of lengths, int32 `(2,)`; concrete even where first asked for while jit traces."""
        if self.curriculum == "fixed":
            return ()
        with jax.ensure_compile_time_eval():
            return self.lengths_between(self.min_length, self.length)

    @property
    def lengths_drawn(self) -> range:
        """The lengths of validation and test, each drawn as often as another."""
        return range(self.length if self.curriculum == "fixed" else self.min_length, self.length + 1)

    def lengths_between(self, low: int, high: int) -> jax.Array:
        """Return the `data` of a range of lengths, both ends included."""
        return jnp.array([low, high], jnp.int32)

    def at_stage(self, data: Any, progress: jax.Array) -> Any:
        if self.curriculum != "growing":
            return data
        low, high = data
        return jnp.stack([low, low + (jnp.minimum(1.0, 2 * progress) * (high - low)).astype(jnp.int32)])

    def draw(self, key: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        key = jax.random.fold_in(key, SPLITS.index(split))
        if isinstance(data, tuple):
            batch = self.of_lengths(key, jnp.full(size, self.length, jnp.int32), split, framing)
            return batch._replace(lengths=None)
        lengths_key, key = jax.random.split(key)
        lengths = jax.random.randint(lengths_key, (size,), data[0], data[1] + 1)
        batch = self.of_lengths(key, lengths, split, framing)
        return batch._replace(lengths=None) if framing.startswith("one_to_") else batch

    @abc.abstractmethod
    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        """Draw one example of each length, padded to what one of `length` takes.

        Args:
            key: PRNG key, another one for each split.
            lengths: int32 `(B,)`, at most `length`.
            split: for the tasks whose splits share no example.
            framing: the framing.

        Returns:
            A batch whose `lengths` count the steps of the network, all of them where the length is `length`.
        """
