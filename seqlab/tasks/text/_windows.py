"""How does a running text become examples? Windows of its symbols, each predicted from those before it."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_bool, require_positive
from seqlab.tasks.task import LoadedTask
from seqlab.tasks.text._streams import window_starts
from seqlab.types import Batch, ConfigError, Goal, IncompatibleError, Reference, Spec, Tokens, Vectors

_MAX_SINGLE_EVALUATIONS = 4096
"""How many examples an evaluation pass holds where each predicts a single symbol."""


class Corpus(NamedTuple):
    """A text in three parts.

    Attributes:
        tokens: the int32 symbols `(N,)` of every split.
        symbols: what stands for each number.
        begins: bool `(N,)`, whether the text starts anew with a symbol of the training part.
    """

    tokens: dict[str, np.ndarray]
    symbols: Sequence[str]
    begins: np.ndarray


@dataclasses.dataclass(frozen=True)
class TextWindows(LoadedTask):
    """Predict the next symbol of a text: character, word or piece of a word.

    Framings, each from a window of `length + 1` symbols w: many_to_many writes w₁…w_T from w₀…w_{T-1},
    each after those before it, int32 `(B, T)` to `(B, T)`; many_to_one writes w_T, `(B,)`; one_to_one too,
    from the window as one float32 one-hot vector `(B, T · V)`; one_to_many writes w₁…w_T from w₀, `(B,)`.

    Evaluation is a fixed pass over the split. In many_to_many the windows overlap by half and the first
    half is context only, so every symbol but the split's first is predicted exactly once, after at
    least half a window where the split has one. In one_to_many they do not overlap. The other two predict
    at evenly spaced positions, at most about 4,096.

    Class attributes:
        symbol: what a symbol is, in words.

    Attributes:
        length: symbols of a window, T.
        stream: whether training reads the text in order, each row of a batch its own stretch, window after
            window (`streams`), starting anew where the text does. Otherwise windows are drawn at random.

    Raises:
        ValueError: `length` is not a positive integer, or `stream` neither true nor false.
        ConfigError: `length` leaves no window in the shortest split, or B · `length` none in a stream.
        IncompatibleError: a stream with another framing than many_to_many.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "many_to_one", "one_to_many", "one_to_one")
    autoregressive: ClassVar[bool] = True
    symbol: ClassVar[str] = "character"

    length: int = 128
    stream: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "length")
        require_bool(self, "stream")

    @property
    @abc.abstractmethod
    def corpus(self) -> Corpus:
        """The text."""

    @property
    @abc.abstractmethod
    def metric(self) -> str:
        """The deciding metric, in bits or nats a symbol."""

    @abc.abstractmethod
    def costs(self, split: str) -> np.ndarray:
        """Return what each symbol of a split costs an n-gram model, by `metric`: `(orders 0 …, N)`."""

    @abc.abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """Return the int32 symbols `(T,)` of a text."""

    @abc.abstractmethod
    def decode(self, symbols: Sequence[str]) -> str:
        """Return the text that symbols make."""

    def checked_framing(self, framing: str | None) -> str:
        framing = super().checked_framing(framing)
        if self.stream and framing != "many_to_many":
            raise IncompatibleError(
                f"task.stream=true does not fit architecture={framing}: legal value is many_to_many"
            )
        return framing

    def input_spec(self, framing: str) -> Spec:
        size = self.output_spec(framing).size
        return Vectors(self.length * size) if framing == "one_to_one" else Tokens(size)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self.corpus.symbols))

    def goal(self, framing: str) -> Goal:
        return Goal(self.metric, higher_is_better=False)

    def reference(self, framing: str) -> Reference:
        """Return the cost of a symbol by its frequency; the threshold is the best n-gram's up to order 3."""
        costs = self._ngram_costs("test", framing)
        return Reference(costs[0], "order-0: frequencies", min(costs[1:4]))

    def metrics(self, framing: str) -> tuple[str, ...]:
        return (self.metric, "accuracy")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the n-gram floors: the costs of Witten–Bell models counted on the training part.

        Each is the mean over exactly the symbols of the split's evaluation pass, every one predicted
        from those before it in the split.
        """
        costs = self._ngram_costs(split, framing)
        return {f"order-{order}": costs[order] for order in range(1, len(costs))}

    def _ngram_costs(self, split: str, framing: str) -> list[float]:
        """Average the costs of each order over the symbols that an evaluation pass predicts."""
        predicted = slice(1, None)
        if framing in ("many_to_one", "one_to_one"):
            indices = np.arange(self.num_evaluation(split, framing))
            predicted = self._evaluation_starts(indices, split, framing) + self.length
        return self.costs(split)[:, predicted].mean(axis=1).tolist()

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Encode text: tokens `(T,)`, one token `()` for one_to_many, `(T · V,)` for one_to_one.

        A one_to_one prompt is cut to its last `length` symbols, or preceded by zeros.

        Raises:
            ConfigError: the text is empty, not a single symbol for one_to_many, or holds symbols that are
                unknown.
        """
        tokens = self.encode(text)
        if not len(tokens) or (framing == "one_to_many" and len(tokens) > 1):
            expected = f"one {self.symbol}" if framing == "one_to_many" else f"at least one {self.symbol}"
            raise ConfigError(f"--prompt: {framing} reads {expected}, got {text!r}")
        if framing == "one_to_many":
            return tokens[0]
        if framing == "one_to_one":
            window = np.zeros((self.length, len(self.corpus.symbols)), np.float32)
            tokens = tokens[-self.length :]
            window[np.arange(self.length - len(tokens), self.length), tokens] = 1
            return window.ravel()
        return tokens

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Decode tokens."""
        return self.decode([self.corpus.symbols[token] for token in np.ravel(sequence)])

    def load(self) -> dict[str, np.ndarray]:
        """Return the int32 symbols of every split, `(N,)`, and for a stream where the text starts anew."""
        tokens, _, begins = self.corpus
        shortest = min(map(len, tokens.values()))
        if self.length >= shortest:
            raise ConfigError(f"task.length: legal values are 1 to {shortest - 1}, got {self.length}")
        return {**tokens, "begins": begins} if self.stream else tokens

    def num_examples(self, split: str, framing: str) -> int:
        return len(self.data[split]) - self.length

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        """Return the windows that start at int32 `indices` `(B,)`."""
        windows = data[split][indices[:, None] + jnp.arange(self.length + 1)]
        past, following = windows[:, :-1], windows[:, 1:]
        if framing in ("many_to_many", "one_to_many"):
            inputs = past if framing == "many_to_many" else past[:, 0]
            return Batch(inputs, following, mask=jnp.ones(following.shape, bool))
        if framing == "one_to_one":
            size = self.output_spec(framing).size
            past = jax.nn.one_hot(past, size).reshape(len(indices), -1)
        return Batch(past, following[:, -1], mask=jnp.ones(indices.shape, bool))

    def stream_batch(self, key: jax.Array, step: jax.Array, size: int, framing: str, data: Any) -> Batch:
        starts = window_starts(key, step, size, self.length, len(data["train"]))
        batch = self.gather(starts, "train", framing, data)
        return batch._replace(resets=data["begins"][starts[:, None] + jnp.arange(self.length)])

    def num_evaluation(self, split: str, framing: str) -> int:
        steps_to_last = self.num_examples(split, framing) - 1
        return 1 + -(-steps_to_last // self._evaluation_stride(split, framing))

    def evaluation_batch(self, index: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        indices = index * size + jnp.arange(size)
        starts = self._evaluation_starts(indices, split, framing)
        batch = self.gather(starts, split, framing, data)
        new = indices < self.num_evaluation(split, framing)
        if batch.mask.ndim == 2:
            stride = self._evaluation_stride(split, framing)
            end_of_previous = jnp.where(indices == 0, 0, (indices - 1) * stride + self.length)
            positions = starts[:, None] + 1 + jnp.arange(self.length)
            new = new[:, None] & (positions > end_of_previous[:, None])
        return batch._replace(mask=new)

    def _evaluation_stride(self, split: str, framing: str) -> int:
        if framing == "many_to_many":
            return max(1, self.length // 2)
        if framing == "one_to_many":
            return self.length
        return -(-self.num_examples(split, framing) // _MAX_SINGLE_EVALUATIONS)

    def _evaluation_starts(self, indices: Any, split: str, framing: str) -> Any:
        """Return where windows start; the last one is moved back to end with the split."""
        last = self.num_examples(split, framing) - 1
        return (indices * self._evaluation_stride(split, framing)).clip(max=last)
