"""Can it write the next character? A character model of the Python reference."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from seqlab.tasks.text._ngrams import ngram_probabilities
from seqlab.tasks.text._windows import Corpus, TextWindows
from seqlab.types import ConfigError

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_MAX_ORDER = 4


@dataclasses.dataclass(frozen=True)
class PythonDocs(TextWindows):
    """Predict the next character of the reference that ships with Python as `pydoc_data.topics`.

    The text is every topic in order of its name, each paragraph once: the topics repeat one another (the
    one on compound statements holds those on `if`, `while`, `with` …), and a character model would be
    tested on what it was trained on. It is split by position, the first 90 % of the characters for
    training, then 5 % and 5 %. The alphabet is that of the training part and one unknown symbol, shown as
    `\N{REPLACEMENT CHARACTER}`. The text changes a little between Python versions; the fingerprint tells. It
    starts anew with each topic.

    Framings and fields as in `TextWindows`.

    Source: the Python Language Reference, docs.python.org/3/reference (Python Software Foundation).
    """

    source: ClassVar[str] = "Python's pydoc_data.topics"
    licence: ClassVar[str] = "PSF-2.0"

    @property
    def corpus(self) -> Corpus:
        return load_corpus()

    @property
    def metric(self) -> str:
        return "bits_per_character"

    def costs(self, split: str) -> np.ndarray:
        return load_ngram_bits(split)

    def encode(self, text: str) -> np.ndarray:
        alphabet = self.corpus.symbols[:-1]
        if foreign := sorted(set(text) - set(alphabet)):
            shown = " ".join(map(repr, foreign))
            raise ConfigError(f"--prompt: characters outside the alphabet of {self.name}: {shown}")
        return _encode(text, alphabet)

    def decode(self, symbols: Sequence[str]) -> str:
        return "".join(symbols)


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
    return Corpus(tokens, alphabet + _UNKNOWN, begins[:first])


@functools.cache
def load_ngram_bits(split: str) -> np.ndarray:
    """Return the bits that each character of a split costs an n-gram model: `(orders 0 … 4, N)`."""
    tokens, symbols, _ = load_corpus()
    return -np.log2(ngram_probabilities(tokens["train"], tokens[split], len(symbols), _MAX_ORDER))


def _encode(text: str, alphabet: str) -> np.ndarray:
    tokens = {character: token for token, character in enumerate(alphabet)}
    return np.array([tokens.get(character, len(alphabet)) for character in text], np.int32)
