"""Language model of a text: characters, words or pieces of words."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, ClassVar

import jax
import numpy as np

from seqlab.checks import require_bool, require_choice, require_positive
from seqlab.data.artifacts import grows, load_artifacts
from seqlab.data.columns.column import Artifacts
from seqlab.data.encoded import Deferred, Encoded
from seqlab.data.reader import Reader
from seqlab.tasks._sources import source_field
from seqlab.tasks.task import Task
from seqlab.tasks.text._corpus import (
    LEVELS,
    Corpus,
    join_symbols,
    num_symbols,
    read_corpus,
    shares_unknown,
    symbols_of,
    tokenizer,
)
from seqlab.tasks.text._ngrams import ngram_probabilities
from seqlab.tasks.text._windows import (
    FRAMINGS,
    TextWindows,
    ngram_baselines,
    ngram_reference,
    require_stream_framing,
)
from seqlab.types import Batch, Goal, Reference, Spec, Tokens

_MAX_ORDER = 4
_METRICS = {"character": "bits_per_character", "byte": "bits_per_byte"}
"""The metrics in bits, by level."""


@dataclasses.dataclass(frozen=True)
class TextCorpus(Task):
    """Predict the next symbol of a text.

    The text is a column of a source, row after row, each on lines of its own. Of paragraphs, between blank
    lines, that are equal one is kept, preferably in the test split. Splits that the source lacks are cut off
    the end of the training text, 5 % each. The vocabulary is that of the training split.

    Framings and evaluation are described at `TextWindows`.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose symbols are used; None to take them from
            the training split.
        text: the column of texts.
        level: what a symbol is: "character", "word" (as written, with punctuation and ends of lines apart),
            "byte" (of UTF-8) or "byte_pair" (pieces of words, made of bytes). No byte or piece is unknown.
        most_tokens: the largest number of symbols; others, and words that occur once in training, are
            unknown. Byte pairs have at least the 256 bytes.
        length: symbols of a window, T.
        stream: whether training reads the text in order, each row of a batch its own stretch, window after
            window. Otherwise windows are drawn at random.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or is too short. Or tokenizers is not installed, which byte
            pairs need.

    Source: of byte pairs, R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units",
        ACL 2016.
    """

    framings: ClassVar[tuple[str, ...]] = FRAMINGS
    autoregressive: ClassVar[bool] = True

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    text: str = "text"
    level: str = "character"
    most_tokens: int = 10_000
    length: int = 128
    stream: bool = False  # pyright: ignore[reportIncompatibleVariableOverride]

    def __post_init__(self) -> None:
        require_positive(self, "length", "most_tokens")
        require_bool(self, "stream")
        require_choice(self, "level", tuple(LEVELS))

    def checked_framing(self, framing: str | None) -> str:
        framing = super().checked_framing(framing)
        require_stream_framing(self.stream, framing)
        return framing

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=python_docs")

    @functools.cached_property
    def corpus(self) -> Corpus:
        """The text as numbers."""
        return read_corpus(self.reader, str(self.text), self.level, self.most_tokens, self.vocabulary)

    @functools.cached_property
    def encoded(self) -> Encoded:
        self._windows.require_windows()
        tokens, artifacts, duplicates = self.corpus
        arrays = {split: {"tokens": found} for split, found in tokens.items()}
        if self.stream and "train" in tokens:
            begins = np.zeros(len(tokens["train"]), bool)
            begins[:1] = True
            arrays["train"]["begins"] = begins
        summary: dict[str, Any] = {"duplicates": duplicates, **num_symbols(tokens)}
        if self.level != "byte_pair":
            summary["unknown"] = {"text": shares_unknown(tokens)}
        return Encoded(arrays, artifacts, summary)

    @functools.cached_property
    def _windows(self) -> TextWindows:
        counts = Deferred(lambda: num_symbols(self.corpus.tokens))  # a prompt needs no corpus
        return TextWindows(self.length, len(self.symbols), counts)

    @functools.cached_property
    def _artifacts(self) -> Artifacts:
        """The artifacts of an earlier run, or those of the corpus."""
        stored = None if grows(self.vocabulary) else load_artifacts(self.vocabulary)
        return self.corpus.artifacts if stored is None else stored

    @property
    def symbols(self) -> Any:
        """What each number stands for."""
        return symbols_of(self._artifacts, self.level)

    def input_spec(self, framing: str) -> Spec:
        return self._windows.input_spec(framing)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self.symbols))

    def goal(self, framing: str) -> Goal:
        """Return bits a character or byte, or nats a word or piece, whose exponential is the perplexity."""
        return Goal(_METRICS.get(self.level, "cross_entropy"), higher_is_better=False)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return (self.goal(framing).metric, "accuracy")

    def reference(self, framing: str, split: str = "test") -> Reference:
        return ngram_reference(self._windows.mean_costs(_costs(self, split), split, framing))

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the mean costs of n-gram models of training over the symbols of an evaluation pass."""
        return ngram_baselines(self._windows.mean_costs(_costs(self, split), split, framing))

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        tokens = tokenizer(self._artifacts, self.level)(text)
        return self._windows.prompt(tokens, framing, text, LEVELS[self.level])

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the text of tokens."""
        return join_symbols([self.symbols[token] for token in np.ravel(sequence)], self.level)

    def num_examples(self, split: str, framing: str) -> int:
        return self._windows.num_examples(split)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        """Return the windows that start at int32 `indices` `(B,)`."""
        return self._windows.gather(indices, framing, data[split]["tokens"])

    def stream_batch(self, key: jax.Array, step: jax.Array, size: int, framing: str, data: Any) -> Batch:
        train = data["train"]
        return self._windows.stream_batch(key, step, size, train["tokens"], train["begins"])

    def num_evaluation(self, split: str, framing: str) -> int:
        return self._windows.num_evaluation(split, framing)

    def evaluation_batch(self, index: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        return self._windows.evaluation_batch(index, size, split, framing, data[split]["tokens"])


@functools.lru_cache(maxsize=4)
def _costs(task: TextCorpus, split: str) -> np.ndarray:
    """Return what each symbol of a split costs an n-gram model: `(orders 0 …, N)`, in the goal's unit."""
    tokens, size = task.corpus.tokens, len(task.symbols)
    codable = int(63 / math.log2(size)) - 1
    order = max(1, min(_MAX_ORDER, codable))
    nats = -np.log(ngram_probabilities(tokens["train"], tokens[split], size, order))
    return nats / math.log(2) if task.level in _METRICS else nats
