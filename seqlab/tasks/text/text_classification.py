"""What kind of text is it? Spam or not, good or bad: the class of every text of a source."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice, require_positive
from seqlab.data.padding import cut_to_length
from seqlab.data.splits import split
from seqlab.data.vocabulary import Vocabulary
from seqlab.data.words import LEVELS, tokens_of
from seqlab.registry import import_extra
from seqlab.tasks._classification import Classification, classes_of, numbers_of
from seqlab.types import Batch, ConfigError, Spec, Tokens, Vectors


class _Read(NamedTuple):
    """A source as numbers, int32 `tokens` `(N, T)`, `lengths` and `labels` `(N,)`, and what was counted."""

    arrays: dict[str, dict[str, np.ndarray]]
    tokens: Vocabulary
    classes: tuple[str, ...]
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class TextClassification(Classification):
    """Say which class a text belongs to.

    Texts and classes are two columns of a source. Splits that the source lacks are made by the hash of the
    text; a text that occurs twice is kept once (`data.splits`). The vocabulary and the classes are those
    of the training split.

    Framings: many_to_one reads the first T tokens of a text, int32 `(B, T)`, and writes its class, `(B,)`;
    one_to_one reads how often each token of the vocabulary is among them, float32 `(B, V)`.

    Attributes:
        text: the column of texts.
        label: the column of classes.
        level: "word" (lower case, punctuation apart) or "character".
        length: tokens that are read of a text at most, T.
        most_tokens: how many different tokens have a number of their own, at most; those rarer, and those
            that training has once, have one together.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as texts and classes: one line names file, row and
            field. Or scikit-learn is not installed, which the baselines are made with.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    instead: ClassVar[str] = "task=sms_spam or task=movie_snippets"

    text: str = "text"
    level: str = "word"
    length: int = 64
    most_tokens: int = 10_000

    def __post_init__(self) -> None:
        require_choice(self, "level", LEVELS)
        require_positive(self, "length", "most_tokens")

    def input_spec(self, framing: str) -> Spec:
        size = len(self._read.tokens)
        return Vectors(size) if framing == "one_to_one" else Tokens(size)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the accuracy of scikit-learn's multinomial naive Bayes and logistic regression.

        Both read how often each token is among those that are read, and learn from the training split.
        """
        return {name: _accuracy(self, name)[split] for name in _BASELINES}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Encode a text: its tokens `(T,)`, or how often each occurs, `(V,)`."""
        tokens = self._read.tokens.encode(tokens_of(text, self.level))[: self.length]
        if not len(tokens):
            raise ConfigError(f"--prompt: {self.name} reads at least one token, got {text!r}")
        if framing == "one_to_one":
            return np.bincount(tokens, minlength=len(self._read.tokens)).astype(np.float32)
        return tokens

    @property
    def symbols(self) -> Mapping[str, Sequence[str]]:
        return {"tokens": self._read.tokens.symbols, "classes": self._read.classes}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        tokens, lengths, labels = (data[split][name][indices] for name in ("tokens", "lengths", "labels"))
        mask = jnp.ones(labels.shape, bool)
        if framing == "one_to_one":
            return Batch(_counts(tokens, lengths, len(self._read.tokens)), labels, mask)
        return Batch(tokens, labels, mask, lengths)


def _counts(tokens: jax.Array, lengths: jax.Array, size: int) -> jax.Array:
    """Count each token among the real ones: float32 `(B, V)`."""
    rows, real = jnp.arange(len(tokens))[:, None], jnp.arange(tokens.shape[1]) < lengths[:, None]
    return jnp.zeros((len(tokens), size)).at[rows, tokens].add(real.astype(jnp.float32))


@functools.lru_cache(maxsize=4)
def _read(task: TextClassification, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    tables = task.tables()
    for table in tables.values():
        table.require(text=task.text, label=task.label)
    parts = split(tables, lambda table: table.texts(task.text))
    texts = {
        name: [tokens_of(text, task.level) for text in table.texts(task.text)]
        for name, table in parts.tables.items()
    }
    kept = task.kept_symbols()
    if kept is None:
        classes = classes_of(parts.tables["train"], task.label)
        vocabulary = Vocabulary.of(texts["train"], task.most_tokens, least=2)
    else:
        classes, vocabulary = tuple(kept["classes"]), Vocabulary(tuple(kept["tokens"]))
    arrays = {}
    for name, table in parts.tables.items():
        tokens, lengths = cut_to_length([vocabulary.encode(text) for text in texts[name]], task.length)
        labels = numbers_of(table, task.label, classes)
        arrays[name] = {"tokens": tokens, "lengths": lengths, "labels": labels}
    account = {
        **{name: len(table) for name, table in parts.tables.items()},
        "duplicates": parts.duplicates,
        "cut": sum(len(text) > task.length for every in texts.values() for text in every),
    }
    return _Read(arrays, vocabulary, classes, account)


_BASELINES = {
    "naive Bayes": ("sklearn.naive_bayes", "MultinomialNB", {}),
    "logistic regression": ("sklearn.linear_model", "LogisticRegression", {"max_iter": 1000}),
}


@functools.lru_cache(maxsize=8)
def _accuracy(task: TextClassification, baseline: str) -> dict[str, float]:
    """Return the accuracy of a baseline on every split."""
    sparse = import_extra("scipy.sparse")
    module, form, settings = _BASELINES[baseline]
    counts, labels, size = {}, {}, len(task.symbols["tokens"]) + 1
    for name, part in task.load().items():
        rows, steps = np.nonzero(np.arange(task.length) < part["lengths"][:, None])
        ones, at = np.ones(len(rows)), (rows, part["tokens"][rows, steps])
        counts[name] = sparse.csr_matrix((ones, at), (len(part["labels"]), size))
        labels[name] = part["labels"]
    model = getattr(import_extra(module), form)(**settings).fit(counts["train"], labels["train"])
    return {split: float(model.score(counts[split], labels[split])) for split in counts}
