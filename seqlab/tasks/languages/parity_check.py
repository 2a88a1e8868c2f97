"""Can it keep one bit of state? The parity of a bit string."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks._ragged import RaggedTask
from seqlab.tasks.languages import _disjoint_splits as splits
from seqlab.types import Batch, Goal, Reference, Spec, Tokens, Vectors


@dataclasses.dataclass(frozen=True)
class ParityCheck(RaggedTask):
    """Decide whether the ones of a bit string are even or odd in number.

        y = Σ_t x_t mod 2,   running parity y_t = (x_0 + … + x_t) mod 2

    Example: 0 1 1 1 has the running parity 0 1 0 1 and the parity 1.

    Framings: many_to_one reads int32 bits `(B, T)` and writes the parity `(B,)`; many_to_many writes the
    running parity `(B, T)`; one_to_one reads the bits at once as float32 `(B, T)`. Lengths are uniform in
    [min_length, length], padded with 0. No sequence occurs in two splits (see `_disjoint_splits`).

    No length is below 4, so that every split holds sequences of each parity.

    Source: M. Minsky & S. Papert, "Perceptrons", 1969; as the regular language "parity check" of
        G. Delétang et al., "Neural Networks and the Chomsky Hierarchy", arXiv:2207.02098, 2023.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_one")
    source: ClassVar[str] = "Minsky & Papert 1969; Delétang et al. 2023"

    shortest: ClassVar[int] = splits.NUM_DESIGNATED + 1

    length: int = 20
    min_length: int = 4
    curriculum: str = "uniform"

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.length) if framing == "one_to_one" else Tokens(2)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str) -> Reference:
        """Return the accuracy of a coin: the running parity, like the final one, is 1 half of the time."""
        return Reference(0.5, "a fair coin", 0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy") if framing == "many_to_many" else ("accuracy",)

    def of_lengths(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        bits_key, split_key = jax.random.split(key)
        real = jnp.arange(self.length) < lengths[:, None]
        bits = jax.random.bernoulli(bits_key, shape=real.shape) & real
        bits = splits.move_to_split(split_key, bits.astype(jnp.int32), lengths, split, alphabet=2)
        if framing == "many_to_many":
            return Batch(bits, bits.cumsum(axis=1) % 2, real, lengths)
        parity, mask = self.answers(bits, lengths)[0][:, 0], jnp.ones(len(lengths), bool)
        if framing == "one_to_one":
            return Batch(bits.astype(jnp.float32), parity, mask)
        return Batch(bits, parity, mask, lengths)

    def answers(self, strings: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the parity `(B, 1)` of bits `(B, T)`, and that it is one symbol; as `StringTask.answers`."""
        return strings.sum(axis=1, keepdims=True) % 2, jnp.ones_like(lengths)

    def examples(self, key: jax.Array, length: int, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Draw uniform sequences of one length, of whatever split, as in the Chomsky-hierarchy suite.

        Returns:
            int32 bits x `(size, length)`, the parity y `(size, 1)` and its bool mask `(size, 1)`.
        """
        x = jax.random.bernoulli(key, shape=(size, length)).astype(jnp.int32)
        y, _ = self.answers(x, jnp.full(size, length, jnp.int32))
        return x, y, jnp.ones_like(y, bool)
