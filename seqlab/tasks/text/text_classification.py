"""Classification of texts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_bool, require_choice, require_positive
from seqlab.data.columns.classes import classes_of
from seqlab.data.columns.groups import groups_of
from seqlab.data.columns.texts import Texts, token_list, vocabulary_of
from seqlab.data.encoded import Encoded, encode
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.data.tokenization import LEVELS
from seqlab.registry import import_extra
from seqlab.tasks._classification import (
    GOAL,
    SCORED,
    class_names,
    class_reference,
    fit_model,
    scores_of_classes,
)
from seqlab.tasks._sources import make_hashable, shown_field, source_field
from seqlab.tasks.new_rows import column_inputs
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens, Vectors


@dataclasses.dataclass(frozen=True)
class TextClassification(Task):
    """Say which class a text belongs to.

    Texts and classes are two columns of a source. Splits that the source lacks are made by the hash of the
    text; duplicates are dropped (`data.splits`). The vocabulary and the classes are those of
    the training split.

    Framings: many_to_one reads the first T tokens of a text, int32 `(B, T)`, and writes its class, `(B,)`;
    one_to_one reads the count of each token of the vocabulary among them, float32 `(B, V)`.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose tokens and classes are used; None to take
            them from the training split.
        text: the column of texts.
        label: the column of classes, or several, whose combinations are the classes.
        level: "word" (lower case, with punctuation apart), "character" or "byte" (of UTF-8).
        length: the number of tokens that are read of a text at most, T.
        most_tokens: the largest number of tokens in the vocabulary; other tokens, and those that occur once
            in training, are unknown.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        balance: whether every class is drawn equally often in training.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.
        length_buckets: the number of buckets by length; a batch is drawn from one and padded to its longest
            row. 1 draws from all rows.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as texts and classes: one line names file, row and column.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    scored: ClassVar[tuple[str, ...]] = SCORED
    extras: ClassVar[tuple[str, ...]] = ("sklearn",)

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    text: str = "text"
    label: str | Sequence[str] = "label"
    level: str = "word"
    length: int = 64
    most_tokens: int = 10_000
    group: str | None = shown_field(None)
    balance: bool = shown_field(False)
    resident_bytes: int | None = shown_field(None)
    length_buckets: int = shown_field(1)

    def __post_init__(self) -> None:
        require_bool(self, "balance")
        make_hashable(self, "label")
        require_choice(self, "level", LEVELS)
        require_positive(self, "length", "most_tokens", "length_buckets")

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=sms_spam or task=movie_snippets")

    @property
    def _texts(self) -> Texts:
        return Texts("text", self.text, self.level, self.length, self.most_tokens, lower=True)

    @functools.cached_property
    def encoded(self) -> Encoded:
        return encode(
            self.reader,
            (self._texts, classes_of(self.label), *groups_of(self.group)),
            self.vocabulary,
            self.resident_bytes,
        )

    @property
    def _num_tokens(self) -> int:
        return len(vocabulary_of(self.encoded.artifacts))

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self._num_tokens) if framing == "one_to_one" else Tokens(self._num_tokens)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self.encoded.artifacts["classes"]))

    def goal(self, framing: str) -> Goal:
        return GOAL

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        return scores_of_classes(predictions, targets, mask)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return class_reference(self.encoded, split, self.baselines(split, framing))

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the accuracy of naive Bayes and of logistic regression over counts of tokens."""
        inputs, labels = _counts_and_labels(self, split)
        return {name: float(_model(self, name).score(inputs, labels)) for name in _MODELS}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        return self.read_input(text, framing)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "text", str(self.text))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Return the tokens of a text or of a list of tokens, `(T,)`, or their counts, `(V,)`."""
        vocabulary = vocabulary_of(self.encoded.artifacts)
        tokens = vocabulary.encode(token_list(value, self._texts.tokenize))[: self.length]
        if not len(tokens):
            raise ConfigError(f"prompt: {self.name} reads at least one token, got {value!r}")
        if framing == "one_to_one":
            return np.bincount(tokens, minlength=len(vocabulary)).astype(np.float32)
        return tokens

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the names of classes."""
        return class_names(sequence, self.encoded.artifacts)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        tokens, lengths, labels = (data[split][name][indices] for name in ("tokens", "lengths", "labels"))
        mask = jnp.ones(labels.shape, bool)
        if framing == "one_to_one":
            return Batch(_counts(tokens, lengths, self._num_tokens), labels, mask)
        return Batch(tokens, labels, mask, lengths)


def _counts(tokens: jax.Array, lengths: jax.Array, size: int) -> jax.Array:
    """Count each token among the real ones: float32 `(B, V)`."""
    rows, real = jnp.arange(len(tokens))[:, None], jnp.arange(tokens.shape[1]) < lengths[:, None]
    return jnp.zeros((len(tokens), size)).at[rows, tokens].add(real.astype(jnp.float32))


_MODELS = ("naive Bayes", "logistic regression")


@functools.lru_cache(maxsize=4)
def _model(task: TextClassification, name: str) -> Any:
    return fit_model(name, *_counts_and_labels(task, "train"))


@functools.lru_cache(maxsize=4)
def _counts_and_labels(task: TextClassification, split: str) -> tuple[Any, np.ndarray]:
    """Return the counts of the tokens of a split, sparse `(N, V)`, and its labels `(N,)`."""
    part = task.encoded.arrays[split]
    rows, steps = np.nonzero(np.arange(task.length) < part["lengths"][:, None])
    ones, at = np.ones(len(rows)), (rows, part["tokens"][rows, steps])
    shape = len(part["labels"]), len(vocabulary_of(task.encoded.artifacts))
    return import_extra("scipy.sparse").csr_matrix((ones, at), shape), part["labels"]
