"""Character model of the Python reference."""

from __future__ import annotations

import dataclasses
import functools
import platform
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np

from seqlab.checks import require_bool, require_positive
from seqlab.data.encoded import Encoded
from seqlab.data.vocabulary import UNKNOWN
from seqlab.tasks.task import Task
from seqlab.tasks.text._ngrams import ngram_probabilities
from seqlab.tasks.text._windows import (
    FRAMINGS,
    TextWindows,
    ngram_baselines,
    ngram_reference,
    require_stream_framing,
)
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens

_MAX_ORDER = 4


class Corpus(NamedTuple):
    """The text in three splits.

    Attributes:
        tokens: the int32 characters `(N,)` of every split.
        symbols: the character of each number; the last is the unknown one.
        begins: bool `(N,)`, whether a topic begins with a character of the training split.
    """

    tokens: dict[str, np.ndarray]
    symbols: str
    begins: np.ndarray


@dataclasses.dataclass(frozen=True)
class PythonDocs(Task):
    """Predict the next character of the reference that ships with Python as `pydoc_data.topics`.

    The text is every topic in order of its name. The topics repeat one another (the one on compound
    statements holds those on `if`, `while`, `with` …), so each paragraph is kept once: otherwise a model
    would be tested on what it was trained on. The text is split by position, the first 90 % of the characters
    for training, then 5 % and 5 %. The alphabet is that of the training split and one unknown symbol, shown
    as `\N{REPLACEMENT CHARACTER}`. The text differs a little between Python versions, and so does the
    fingerprint; the summary of the data has the version.

    Framings and evaluation are described at `TextWindows`.

    Attributes:
        length: characters of a window, T.
        stream: whether training reads the text in order, each row of a batch its own stretch, window after
            window, with a new state at each topic. Otherwise windows are drawn at random.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: `length` leaves no window in the shortest split.

    Source: the Python Language Reference, docs.python.org/3/reference (Python Software Foundation).
    """

    origin: ClassVar[str] = "Python's pydoc_data.topics"
    licence: ClassVar[str] = "PSF-2.0"
    framings: ClassVar[tuple[str, ...]] = FRAMINGS
    autoregressive: ClassVar[bool] = True

    length: int = 128
    stream: bool = False  # pyright: ignore[reportIncompatibleVariableOverride]

    def __post_init__(self) -> None:
        require_positive(self, "length")
        require_bool(self, "stream")

    def checked_framing(self, framing: str | None) -> str:
        framing = super().checked_framing(framing)
        require_stream_framing(self.stream, framing)
        return framing

    @functools.cached_property
    def encoded(self) -> Encoded:
        self._windows.require_windows()
        tokens, _, begins = load_corpus()
        arrays: dict[str, dict[str, np.ndarray]] = {
            split: {"tokens": found} for split, found in tokens.items()
        }
        if self.stream:
            arrays["train"]["begins"] = begins
        return Encoded(arrays, summary={"python": platform.python_version()})

    @functools.cached_property
    def _windows(self) -> TextWindows:
        tokens, symbols, _ = load_corpus()
        return TextWindows(self.length, len(symbols), {split: len(found) for split, found in tokens.items()})

    def input_spec(self, framing: str) -> Spec:
        return self._windows.input_spec(framing)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(load_corpus().symbols))

    def goal(self, framing: str) -> Goal:
        return Goal("bits_per_character", higher_is_better=False)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("bits_per_character", "accuracy")

    def reference(self, framing: str, split: str = "test") -> Reference:
        return ngram_reference(self._windows.mean_costs(load_ngram_bits(split), split, framing))

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the mean bits of n-gram models of training over the characters of an evaluation pass."""
        return ngram_baselines(self._windows.mean_costs(load_ngram_bits(split), split, framing))

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        alphabet = load_corpus().symbols[:-1]
        if foreign := sorted(set(text) - set(alphabet)):
            shown = " ".join(map(repr, foreign))
            raise ConfigError(f"prompt: characters outside the alphabet of {self.name}: {shown}")
        return self._windows.prompt(_encode(text, alphabet), framing, text, "character")

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the text of tokens."""
        return "".join(load_corpus().symbols[token] for token in np.ravel(sequence))

    def num_examples(self, split: str, framing: str) -> int:
        return self._windows.num_examples(split)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        """Return the windows that start at int32 `indices` `(B,)`."""
        return self._windows.gather(indices, framing, data[split]["tokens"])

    def stream_batch(self, key: jax.Array, step: jax.Array, size: int, framing: str, data: Any) -> Batch:
        train: Mapping[str, jax.Array] = data["train"]
        return self._windows.stream_batch(key, step, size, train["tokens"], train["begins"])

    def num_evaluation(self, split: str, framing: str) -> int:
        return self._windows.num_evaluation(split, framing)

    def evaluation_batch(self, index: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        return self._windows.evaluation_batch(index, size, split, framing, data[split]["tokens"])


@functools.cache
def load_corpus() -> Corpus:
    """Read the topics, keep each paragraph once (however indented), split by position and encode."""
    from pydoc_data.topics import topics

    named = [
        (name, " ".join(paragraph.split()), paragraph.strip("\n"))
        for name in sorted(topics)
        for paragraph in topics[name].split("\n\n")
    ]
    unique = {words: paragraph for _, words, paragraph in named}
    topic_of = {words: name for name, words, _ in reversed(named)}
    text = "\n\n".join(unique.values())
    begins, position, topic = np.zeros(len(text), bool), 0, None
    for words, paragraph in unique.items():
        begins[position] = topic_of[words] != topic
        position, topic = position + len(paragraph) + len("\n\n"), topic_of[words]

    first, second = len(text) * 90 // 100, len(text) * 95 // 100
    parts = {"train": text[:first], "validation": text[first:second], "test": text[second:]}
    alphabet = "".join(sorted(set(parts["train"])))
    tokens = {split: _encode(part, alphabet) for split, part in parts.items()}
    return Corpus(tokens, alphabet + UNKNOWN, begins[:first])


@functools.cache
def load_ngram_bits(split: str) -> np.ndarray:
    """Return the bits that each character of a split costs an n-gram model: `(orders 0 … 4, N)`."""
    tokens, symbols, _ = load_corpus()
    return -np.log2(ngram_probabilities(tokens["train"], tokens[split], len(symbols), _MAX_ORDER))


def _encode(text: str, alphabet: str) -> np.ndarray:
    tokens = {character: token for token, character in enumerate(alphabet)}
    return np.array([tokens.get(character, len(alphabet)) for character in text], np.int32)
