"""Multi-query associative recall: name the value that was paired with a key."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_number, require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class AssociativeRecall(Task):
    """Read K pairs of a key and a value; name the value wherever its key occurs again.

        inputs   k_1 v_1 … k_K v_K,  then k_i at 2K + 2 g_i, once each
        targets  v_i at 2K + 2 g_i, and nothing else counts

    Keys are K different tokens of the N_k tokens from 1 on, and values are K different ones of the N_v tokens
    after them. The gaps g_i are drawn one after another, without replacement, from 0 to ⌊T/2⌋ − K − 1 with
    P(g) ∝ (g + 1)^(a − 1). All other steps hold uniform tokens of all V, at which no value is asked for.

    >>> batch = AssociativeRecall(length=10, num_pairs=2, min_length=8).arrange(
    ...     jnp.zeros((1, 10), int), jnp.array([[2, 4]]), jnp.array([[8, 7]]), jnp.array([[2, 0]])
    ... )
    >>> batch.inputs[0].tolist()
    [2, 8, 4, 7, 4, 0, 0, 0, 2, 0]
    >>> jnp.where(batch.mask, batch.targets, -100)[0].tolist()
    [-100, -100, -100, -100, 7, -100, -100, -100, 8, -100]

    A random value is right once in N_v times; one of the K values that were read, once in K times.

    Framing: many_to_many reads int32 `(B, T)` and writes `(B, T)`; the mask is True where a value is asked
    for. Steps after the end of a sequence hold 0. The splits are separate random streams.

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`), at least 4 K.
        num_pairs: K, the number of pairs.
        num_tokens: V, the number of tokens, at least 1 + N_k + N_v.
        num_keys: N_k, the number of different keys, at least K; None for V/2 − 1, half of the tokens.
        num_values: N_v, the number of different values, at least K; None for all tokens after the keys.
        power: a, in (0, 1]; with 1 all gaps are equally likely.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: S. Arora, S. Eyuboglu et al., "Zoology: Measuring and Improving Recall in Efficient Language
        Models", arXiv:2312.04927, 2023, and their code, where the label is at the query and −100 elsewhere.
        They use T = 64 to 512, K = 4 to 64 and V = 8192; V = 256 as here is the first example of their code.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Arora et al. 2023"

    length: int = 64
    min_length: int = 16
    curriculum: str = "fixed"
    num_pairs: int = 4
    num_tokens: int = 256
    num_keys: int | None = None
    num_values: int | None = None
    power: float = 0.01
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        require_positive(self, "num_pairs", "num_tokens")
        super().__post_init__()
        self._require_enough()
        require_number(self, "power")
        if not 0 < self.power <= 1:
            raise ValueError(f"power must be above 0 and at most 1, got {self.power}")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, shortest=4 * self.num_pairs)

    @property
    def first_value(self) -> int:
        """The first token that is a value; those from 1 to below it are keys."""
        return self.num_tokens // 2 if self.num_keys is None else 1 + self.num_keys

    @property
    def values(self) -> int:
        """N_v, the number of different values."""
        return self.num_tokens - self.first_value if self.num_values is None else self.num_values

    def _require_enough(self) -> None:
        """Raise ValueError where keys, values or tokens are too few."""
        fewest = self.num_pairs
        for name, number in (("num_keys", self.num_keys), ("num_values", self.num_values)):
            if number is not None:
                require_positive(self, name)
                if number < fewest:
                    raise ValueError(f"{name} must be at least num_pairs={fewest}, got {number}")
        least = max(2 * fewest + 2, 2 * (self.num_values or 0) - 1)
        if self.num_keys is None and self.num_tokens < least:
            raise ValueError(
                f"num_tokens must be at least {least}, as half of them are keys, got {self.num_tokens}"
            )
        keys, values = self.first_value - 1, self.num_values or fewest
        if self.num_tokens < (least := 1 + keys + values):
            raise ValueError(
                f"num_tokens must be at least {least} for {keys} keys and {values} values, "
                f"got {self.num_tokens}"
            )

    def input_spec(self, framing: str) -> Spec:
        return Tokens(self.num_tokens)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(self.num_tokens)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the simple predictors, and one of the values that were read, drawn whatever the key."""
        return super().baselines(split, framing) | {"one of the values read": 1 / self.num_pairs}

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        noise_key, keys_key, values_key, gaps_key = jax.random.split(key, 4)
        size, K = len(lengths), self.num_pairs
        noise = jax.random.randint(noise_key, (size, self.length), 0, self.num_tokens)
        noise = jnp.where(jnp.arange(self.length) < lengths[:, None], noise, 0)
        keys = 1 + choose(keys_key, jnp.zeros((size, self.first_value - 1)), K)
        values = self.first_value + choose(values_key, jnp.zeros((size, self.values)), K)
        gaps = jnp.arange(self.length // 2 - K)
        room = gaps < lengths[:, None] // 2 - K
        gaps = choose(gaps_key, jnp.where(room, (self.power - 1) * jnp.log1p(gaps), -jnp.inf), K)
        return self.arrange(noise, keys, values, gaps)._replace(lengths=lengths)

    def arrange(self, noise: jax.Array, keys: jax.Array, values: jax.Array, gaps: jax.Array) -> Batch:
        """Return the batch of noise `(B, T)` overwritten with pairs and queries, int32 `(B, K)` each."""
        rows, queries = jnp.arange(len(keys))[:, None], 2 * (keys.shape[1] + gaps)
        pairs = jnp.stack([keys, values], axis=-1).reshape(len(keys), -1)
        inputs = noise.at[:, : pairs.shape[1]].set(pairs).at[rows, queries].set(keys)
        targets = jnp.zeros_like(noise).at[rows, queries].set(values)
        return Batch(inputs, targets, jnp.zeros(noise.shape, bool).at[rows, queries].set(True))


def choose(key: jax.Array, logits: jax.Array, count: int) -> jax.Array:
    """Draw different indices of each row one after another, each with P ∝ exp(logit) among those left.

    Args:
        key: PRNG key.
        logits: float32 `(B, N)`; an index with −∞ is never drawn.
        count: K, at most the number of finite logits of a row.

    Returns:
        int32 `(B, K)`.

    Source: the Gumbel top-k trick: W. Kool, H. van Hoof & M. Welling, arXiv:1903.06059, 2019.
    """
    return jax.lax.top_k(logits + jax.random.gumbel(key, logits.shape), count)[1]
