"""Lengths of generated sequences: their range, and the curriculum that widens it."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from seqlab.checks import require_choice, require_positive

CURRICULA = ("fixed", "uniform", "growing")
Bounds = jax.Array | tuple[()]
"""Both ends of a range of lengths, int32 `(2,)`; empty where there is one length."""


@dataclasses.dataclass(frozen=True)
class Lengths:
    """The lengths that a task draws; each is as likely as another.

    Sequences are padded to the longest length, and the range that is drawn from is an array. So one compiled
    program serves every length.

    Attributes:
        length: the longest length, L.
        min_length: the shortest length, l.
        curriculum: "fixed": all sequences have length L; "uniform": lengths are from l to L; "growing": in
            training they are from l to l + ⌊min(1, 2 p) (L − l)⌋, where p is the share of updates that are
            done. So the second half of training is uniform, as are validation and test.
        shortest: the least length that the task allows.

    Raises:
        ValueError: not shortest ≤ min_length ≤ length, or an unknown curriculum.
    """

    length: int
    min_length: int
    curriculum: str
    shortest: int = 1

    def __post_init__(self) -> None:
        require_positive(self, "length", "min_length")
        if self.length < self.shortest:
            raise ValueError(f"length must be an integer of at least {self.shortest}, got {self.length}")
        require_choice(self, "curriculum", CURRICULA)
        if not self.fixed and not self.shortest <= self.min_length <= self.length:
            raise ValueError(
                f"min_length must be from {self.shortest} to length={self.length}, got {self.min_length}"
            )

    @property
    def fixed(self) -> bool:
        """Whether all sequences have the same length, so that none is padded."""
        return self.curriculum == "fixed"

    @property
    def evaluated(self) -> range:
        """The lengths of validation and test."""
        return range(self.length if self.fixed else self.min_length, self.length + 1)

    def bounds(self) -> Bounds:
        """Return the bounds that `draw` reads, those of the last stage of training."""
        return () if self.fixed else between(self.min_length, self.length)

    def at_stage(self, bounds: Bounds, progress: jax.Array) -> Bounds:
        """Return the bounds at a stage of training.

        Args:
            bounds: those of the last stage.
            progress: float32 scalar in [0, 1], p.
        """
        if isinstance(bounds, tuple) or self.curriculum != "growing":
            return bounds
        low, high = bounds
        return jnp.stack([low, low + (jnp.minimum(1.0, 2 * progress) * (high - low)).astype(jnp.int32)])

    def draw(self, key: jax.Array, size: int, bounds: Bounds) -> tuple[jax.Array, jax.Array]:
        """Draw lengths.

        Args:
            key: PRNG key.
            size: the number of lengths, B.
            bounds: of the range; empty if `fixed`.

        Returns:
            The lengths, int32 `(B,)`, and a key for what else is drawn.
        """
        if isinstance(bounds, tuple):
            return jnp.full(size, self.length, jnp.int32), key
        lengths_key, key = jax.random.split(key)
        return jax.random.randint(lengths_key, (size,), bounds[0], bounds[1] + 1), key


def between(low: int, high: int) -> jax.Array:
    """Return the bounds of a range of lengths, both included; concrete even during a trace."""
    with jax.ensure_compile_time_eval():
        return jnp.array([low, high], jnp.int32)
