"""Can it write the next character? A character model of the Python reference."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_bool, require_positive
from seqlab.tasks.streams import window_starts
from seqlab.tasks.task import LoadedTask
from seqlab.tasks.text.ngrams import ngram_probabilities
from seqlab.types import Batch, ConfigError, Goal, IncompatibleError, Spec, Tokens, Vectors

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_MAX_ORDER = 4
_MAX_SINGLE_EVALUATIONS = 4096
"""How many examples an evaluation pass holds where each predicts a single character."""


@dataclasses.dataclass(frozen=True)
class PythonDocs(LoadedTask):
    """Predict the next character of the reference that ships with Python as `pydoc_data.topics`.

    The text is every topic in order of its name, each paragraph once: the topics repeat one another (the
    one on compound statements holds those on `if`, `while`, `with` …), and a character model would be
    tested on what it was trained on. It is split by position, the first 90 % of the characters for
    training, then 5 % and 5 %. The alphabet is that of the training part and one unknown symbol. The text
    changes a little between Python versions; the fingerprint tells.

    Framings, each from a window of `length + 1` characters w: many_to_many writes w₁…w_T from w₀…w_{T-1},
    each after those before it, int32 `(B, T)` to `(B, T)`; many_to_one writes w_T, `(B,)`; one_to_one too,
    from the window as one float32 one-hot vector `(B, T · V)`; one_to_many writes w₁…w_T from w₀, `(B,)`.

    Evaluation is a fixed pass over the split. In many_to_many the windows overlap by half and the first
    half is context only, so every character but the split's first is predicted exactly once, after at
    least half a window where the split has one. In one_to_many they do not overlap. The other two predict
    at evenly spaced positions, at most about 4,096.

    Attributes:
        length: characters of a window, T.
        stream: whether training reads the text in order, each row of a batch its own stretch, window after
            window (`streams`), starting anew where a topic begins. Otherwise windows are drawn at random.

    Raises:
        ValueError: `length` is not a positive integer, or `stream` neither true nor false.
        ConfigError: `length` leaves no window in the shortest split, or B · `length` none in a stream.
        IncompatibleError: a stream with another architecture than many_to_many.

    Source: the Python Language Reference, docs.python.org/3/reference (Python Software Foundation).
    """

    architectures: ClassVar[tuple[str, ...]] = ("many_to_many", "many_to_one", "one_to_many", "one_to_one")
    source: ClassVar[str] = "Python's pydoc_data.topics"
    licence: ClassVar[str] = "PSF-2.0"
    autoregressive: ClassVar[bool] = True

    length: int = 128
    stream: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "length")
        require_bool(self, "stream")

    def framing(self, architecture: str | None) -> str:
        architecture = super().framing(architecture)
        if self.stream and architecture != "many_to_many":
            raise IncompatibleError(
                f"task.stream=true does not fit architecture={architecture}: legal value is many_to_many"
            )
        return architecture

    def input_spec(self, architecture: str) -> Spec:
        size = self.output_spec(architecture).size
        return Vectors(self.length * size) if architecture == "one_to_one" else Tokens(size)

    def output_spec(self, architecture: str) -> Spec:
        return Tokens(len(load_corpus().alphabet) + 1)

    def goal(self, architecture: str) -> Goal:
        """Judge by bits per character; solved is the order-3 floor of `baselines`."""
        bits = self._ngram_bits("test", architecture)
        return Goal(
            "bits_per_character", bits[0], "order-0: character frequencies", bits[3], higher_is_better=False
        )

    def metrics(self, architecture: str) -> tuple[str, ...]:
        return ("bits_per_character", "accuracy")

    def baselines(self, split: str, architecture: str) -> dict[str, float]:
        """Return the n-gram floors: bits per character of Witten–Bell models counted on the training part.

        Each is the mean over exactly the characters of the split's evaluation pass, every one predicted
        from the characters before it in the split.
        """
        bits = self._ngram_bits(split, architecture)
        return {f"order-{order}": bits[order] for order in range(1, len(bits))}

    def _ngram_bits(self, split: str, architecture: str) -> list[float]:
        """Average the bits of each order over the characters that an evaluation pass predicts."""
        predicted = slice(1, None)
        if architecture in ("many_to_one", "one_to_one"):
            indices = np.arange(self.num_evaluation(split, architecture))
            predicted = self._evaluation_starts(indices, split, architecture) + self.length
        return load_ngram_bits(split)[:, predicted].mean(axis=1).tolist()

    def read_prompt(self, text: str, architecture: str) -> np.ndarray:
        """Encode text: tokens `(T,)`, one token `()` for one_to_many, `(T · V,)` for one_to_one.

        A one_to_one prompt is cut to its last `length` characters, or preceded by zeros.

        Raises:
            ConfigError: the text is empty, not a single character for one_to_many, or holds characters
                outside the alphabet.
        """
        alphabet = load_corpus().alphabet
        if foreign := sorted(set(text) - set(alphabet)):
            shown = " ".join(map(repr, foreign))
            raise ConfigError(f"--prompt: characters outside the alphabet of {self.name}: {shown}")
        if not text or (architecture == "one_to_many" and len(text) > 1):
            expected = "one character" if architecture == "one_to_many" else "at least one character"
            raise ConfigError(f"--prompt: {architecture} reads {expected}, got {text!r}")
        tokens = _encode(text, alphabet)
        if architecture == "one_to_many":
            return tokens[0]
        if architecture == "one_to_one":
            window = np.zeros((self.length, len(alphabet) + 1), np.float32)
            tokens = tokens[-self.length :]
            window[np.arange(self.length - len(tokens), self.length), tokens] = 1
            return window.ravel()
        return tokens

    def render(self, sequence: np.ndarray, architecture: str) -> str:
        """Decode tokens; the unknown symbol is shown as `\N{REPLACEMENT CHARACTER}`."""
        symbols = load_corpus().alphabet + _UNKNOWN
        return "".join(symbols[token] for token in np.ravel(sequence))

    def load(self) -> dict[str, np.ndarray]:
        """Return the int32 characters of every split, `(N,)`, and for a stream where the topics begin."""
        tokens, _, begins = load_corpus()
        shortest = min(map(len, tokens.values()))
        if self.length >= shortest:
            raise ConfigError(f"task.length: legal values are 1 to {shortest - 1}, got {self.length}")
        return {**tokens, "begins": begins} if self.stream else tokens

    def num_examples(self, split: str, architecture: str) -> int:
        return len(self.data[split]) - self.length

    def gather(self, indices: jax.Array, split: str, architecture: str, data: Any) -> Batch:
        """Return the windows that start at int32 `indices` `(B,)`."""
        windows = data[split][indices[:, None] + jnp.arange(self.length + 1)]
        past, following = windows[:, :-1], windows[:, 1:]
        if architecture in ("many_to_many", "one_to_many"):
            inputs = past if architecture == "many_to_many" else past[:, 0]
            return Batch(inputs, following, mask=jnp.ones(following.shape, bool))
        if architecture == "one_to_one":
            size = self.output_spec(architecture).size
            past = jax.nn.one_hot(past, size).reshape(len(indices), -1)
        return Batch(past, following[:, -1], mask=jnp.ones(indices.shape, bool))

    def stream_batch(self, key: jax.Array, step: jax.Array, size: int, architecture: str, data: Any) -> Batch:
        starts = window_starts(key, step, size, self.length, len(data["train"]))
        batch = self.gather(starts, "train", architecture, data)
        return batch._replace(resets=data["begins"][starts[:, None] + jnp.arange(self.length)])

    def num_evaluation(self, split: str, architecture: str) -> int:
        steps_to_last = self.num_examples(split, architecture) - 1
        return 1 + -(-steps_to_last // self._evaluation_stride(split, architecture))

    def evaluation_batch(
        self, index: jax.Array, size: int, split: str, architecture: str, data: Any
    ) -> Batch:
        indices = index * size + jnp.arange(size)
        starts = self._evaluation_starts(indices, split, architecture)
        batch = self.gather(starts, split, architecture, data)
        new = indices < self.num_evaluation(split, architecture)
        if batch.mask.ndim == 2:
            stride = self._evaluation_stride(split, architecture)
            end_of_previous = jnp.where(indices == 0, 0, (indices - 1) * stride + self.length)
            positions = starts[:, None] + 1 + jnp.arange(self.length)
            new = new[:, None] & (positions > end_of_previous[:, None])
        return batch._replace(mask=new)

    def _evaluation_stride(self, split: str, architecture: str) -> int:
        if architecture == "many_to_many":
            return max(1, self.length // 2)
        if architecture == "one_to_many":
            return self.length
        return -(-self.num_examples(split, architecture) // _MAX_SINGLE_EVALUATIONS)

    def _evaluation_starts(self, indices: Any, split: str, architecture: str) -> Any:
        """Return where windows start; the last one is moved back to end with the split."""
        last = self.num_examples(split, architecture) - 1
        return (indices * self._evaluation_stride(split, architecture)).clip(max=last)


class Corpus(NamedTuple):
    """A text in three parts.

    Attributes:
        tokens: the int32 characters `(N,)` of every split; `len(alphabet)` stands for the unknown.
        alphabet: the characters of the training part, in order of their tokens.
        begins: bool `(N,)`, whether a topic begins with a character of the training part.
    """

    tokens: dict[str, np.ndarray]
    alphabet: str
    begins: np.ndarray


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
    return Corpus(tokens, alphabet, begins[:first])


@functools.cache
def load_ngram_bits(split: str) -> np.ndarray:
    """Return the bits that each character of a split costs an n-gram model: `(orders 0 … 4, N)`."""
    tokens, alphabet, _ = load_corpus()
    return -np.log2(ngram_probabilities(tokens["train"], tokens[split], len(alphabet) + 1, _MAX_ORDER))


def _encode(text: str, alphabet: str) -> np.ndarray:
    tokens = {character: token for token, character in enumerate(alphabet)}
    return np.array([tokens.get(character, len(alphabet)) for character in text], np.int32)
