"""Windows of a running text, whose symbols are predicted from those before them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.tasks.text._streams import window_starts
from seqlab.types import Batch, ConfigError, IncompatibleError, Reference, Spec, Tokens, Vectors

FRAMINGS = ("many_to_many", "many_to_one", "one_to_many", "one_to_one")
_MAX_SINGLE_EVALUATIONS = 4096
"""The number of examples of an evaluation pass at most, where each predicts a single symbol."""


@dataclasses.dataclass(frozen=True)
class TextWindows:
    """Windows of T + 1 symbols w of a text in three splits.

    Framings: many_to_many writes w₁…w_T from w₀…w_{T-1}, each after those before it, int32 `(B, T)` to
    `(B, T)`; many_to_one writes w_T, `(B,)`; one_to_one also writes w_T, from the window as one float32
    one-hot vector `(B, T · V)`; one_to_many writes w₁…w_T from w₀, `(B,)`.

    An evaluation pass is fixed. In many_to_many, windows overlap by half and the first half is context only,
    so each symbol but the split's first is predicted exactly once, after at least half a window where the
    split has one. In one_to_many, windows do not overlap. The other two framings predict at evenly spaced
    positions, at most about 4,096.

    Attributes:
        length: T.
        num_symbols: V.
        num_tokens: the number of symbols of each split.
    """

    length: int
    num_symbols: int
    num_tokens: Mapping[str, int]

    def require_windows(self) -> None:
        """Raise ConfigError where a split is too short for a window."""
        shortest = min(self.num_tokens.values())
        if self.length >= shortest:
            raise ConfigError(f"task.length: legal values are 1 to {shortest - 1}, got {self.length}")

    def input_spec(self, framing: str) -> Spec:
        """Return the spec of the inputs."""
        size = self.num_symbols
        return Vectors(self.length * size) if framing == "one_to_one" else Tokens(size)

    def num_examples(self, split: str) -> int:
        """Return the number of windows of a split."""
        return self.num_tokens[split] - self.length

    def gather(self, starts: jax.Array, framing: str, tokens: jax.Array) -> Batch:
        """Return the windows of tokens `(N,)` that start at int32 `starts` `(B,)`."""
        windows = tokens[starts[:, None] + jnp.arange(self.length + 1)]
        past, following = windows[:, :-1], windows[:, 1:]
        if framing in ("many_to_many", "one_to_many"):
            inputs = past if framing == "many_to_many" else past[:, 0]
            return Batch(inputs, following, mask=jnp.ones(following.shape, bool))
        if framing == "one_to_one":
            past = jax.nn.one_hot(past, self.num_symbols).reshape(len(starts), -1)
        return Batch(past, following[:, -1], mask=jnp.ones(starts.shape, bool))

    def stream_batch(
        self, key: jax.Array, step: jax.Array, size: int, tokens: jax.Array, begins: jax.Array
    ) -> Batch:
        """Return the many_to_many batch of a step, in which each row continues that of the step before.

        Args:
            key: PRNG key, the same at all steps.
            step: int32 scalar.
            size: B.
            tokens: int32 `(N,)`.
            begins: bool `(N,)`, whether a new text begins with a symbol.
        """
        starts = window_starts(key, step, size, self.length, len(tokens))
        batch = self.gather(starts, "many_to_many", tokens)
        return batch._replace(resets=begins[starts[:, None] + jnp.arange(self.length)])

    def num_evaluation(self, split: str, framing: str) -> int:
        """Return the number of windows of an evaluation pass."""
        steps_to_last = self.num_examples(split) - 1
        return 1 + -(-steps_to_last // self._stride(split, framing))

    def evaluation_batch(
        self, index: jax.Array, size: int, split: str, framing: str, tokens: jax.Array
    ) -> Batch:
        """Return the `index`-th block of an evaluation pass; only new symbols are masked in."""
        indices = index * size + jnp.arange(size)
        starts = self.evaluation_starts(indices, split, framing)
        batch = self.gather(starts, framing, tokens)
        new = indices < self.num_evaluation(split, framing)
        if batch.mask.ndim == 2:
            stride = self._stride(split, framing)
            end_of_previous = jnp.where(indices == 0, 0, (indices - 1) * stride + self.length)
            positions = starts[:, None] + 1 + jnp.arange(self.length)
            new = new[:, None] & (positions > end_of_previous[:, None])
        return batch._replace(mask=new)

    def _stride(self, split: str, framing: str) -> int:
        if framing == "many_to_many":
            return max(1, self.length // 2)
        if framing == "one_to_many":
            return self.length
        return -(-self.num_examples(split) // _MAX_SINGLE_EVALUATIONS)

    def evaluation_starts(self, indices: Any, split: str, framing: str) -> Any:
        """Return where the windows of an evaluation pass start; the last one ends with the split."""
        return (indices * self._stride(split, framing)).clip(max=self.num_examples(split) - 1)

    def mean_costs(self, costs: np.ndarray, split: str, framing: str) -> list[float]:
        """Average costs `(K, N)` of the symbols of a split over those that an evaluation pass predicts."""
        predicted: Any = slice(1, None)
        if framing in ("many_to_one", "one_to_one"):
            indices = np.arange(self.num_evaluation(split, framing))
            predicted = self.evaluation_starts(indices, split, framing) + self.length
        return costs[:, predicted].mean(axis=1).tolist()

    def prompt(self, tokens: np.ndarray, framing: str, text: str, symbol: str) -> np.ndarray:
        """Return the inputs of a prompt: `(T,)`, one token `()` for one_to_many, `(T · V,)` for one_to_one.

        A one_to_one prompt is cut to its last `length` symbols, or preceded by zeros.

        Args:
            tokens: int32 `(·,)`, of the text.
            framing: the framing.
            text: what the user typed.
            symbol: what a symbol is, for messages.

        Raises:
            ConfigError: the text is empty, or not a single symbol for one_to_many.
        """
        if not len(tokens) or (framing == "one_to_many" and len(tokens) > 1):
            expected = f"one {symbol}" if framing == "one_to_many" else f"at least one {symbol}"
            raise ConfigError(f"prompt: {framing} reads {expected}, got {text!r}")
        if framing == "one_to_many":
            return tokens[0]
        if framing == "one_to_one":
            window = np.zeros((self.length, self.num_symbols), np.float32)
            tokens = tokens[-self.length :]
            window[np.arange(self.length - len(tokens), self.length), tokens] = 1
            return window.ravel()
        return tokens


def ngram_reference(costs: list[float]) -> Reference:
    """Return the cost of symbol frequencies; the threshold is the lowest cost of orders 1 to 3.

    Args:
        costs: the mean cost of a symbol by an n-gram model of order 0, 1, …
    """
    return Reference(costs[0], "order-0: frequencies", min(costs[1:4]))


def ngram_baselines(costs: list[float]) -> dict[str, float]:
    """Return the costs of the n-gram models of order 1 and above by name."""
    return {f"order-{order}": costs[order] for order in range(1, len(costs))}


def require_stream_framing(stream: bool, framing: str) -> None:
    """Raise IncompatibleError where a stream is framed otherwise than many_to_many."""
    if stream and framing != "many_to_many":
        raise IncompatibleError(
            f"task.stream=true does not fit architecture={framing}: legal value is many_to_many"
        )
