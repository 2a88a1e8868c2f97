"""Tagging of tokens, evaluated by whole spans where tags mark spans."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.columns.column import Arrays
from seqlab.data.columns.groups import groups_of
from seqlab.data.columns.tags import Tags
from seqlab.data.columns.texts import TokenLists, token_list, vocabulary_of
from seqlab.data.encoded import Encoded, encode
from seqlab.data.reader import Reader
from seqlab.data.span_schemes import OUTSIDE
from seqlab.data.table import Table
from seqlab.metrics.classes import class_scores
from seqlab.metrics.spans import span_f1
from seqlab.tasks._sources import shown_field, source_field
from seqlab.tasks.new_rows import column_inputs
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens

_BASELINE = "each word's most frequent tag"


@dataclasses.dataclass(frozen=True)
class Tagging(Task):
    """Give each token of a sentence its tag, such as B-PER, I-PER or O.

    Tokens and tags are two columns of lists; a `.conll` file has them too. Splits that the source lacks are
    made by the hash of the sentence; duplicates are dropped (`data.splits`). The vocabulary and the
    tags are those of the training split. Tags that mark spans (`data.span_schemes`) are judged by the F1 of
    whole spans, all others, such as parts of speech, by accuracy.

    Framing: many_to_many reads the first T tokens, as written, int32 `(B, T)`, and writes their tags,
    `(B, T)`.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose tokens and tags are used; None to take them
            from the training split.
        tokens: the column of tokens.
        tags: the column of tags.
        length: the number of tokens that are read of a sentence at most, T.
        most_tokens: the largest number of tokens in the vocabulary; other tokens, and those that occur once
            in training, are unknown.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.
        length_buckets: the number of buckets by length; a batch is drawn from one and padded to its longest
            row. 1 draws from all rows.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as tokens and tags: one line names file, row and column.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    scored: ClassVar[tuple[str, ...]] = ("span_f1", "macro_f1", "balanced_accuracy")
    extras: ClassVar[tuple[str, ...]] = ("seqeval",)

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    tokens: str = "tokens"
    tags: str = "tags"
    length: int = 40
    most_tokens: int = 10_000
    group: str | None = shown_field(None)
    resident_bytes: int | None = shown_field(None)
    length_buckets: int = shown_field(1)

    def __post_init__(self) -> None:
        require_positive(self, "length", "most_tokens", "length_buckets")

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=entity_templates")

    @functools.cached_property
    def encoded(self) -> Encoded:
        tokens = TokenLists("tokens", self.tokens, self.length, self.most_tokens)
        tags = Tags("tags", self.tags, self.tokens, self.length)
        return encode(
            self.reader, (tokens, tags, *groups_of(self.group)), self.vocabulary, self.resident_bytes
        )

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(vocabulary_of(self.encoded.artifacts)))

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self.encoded.artifacts["tags"]))

    @property
    def _scheme(self) -> str | None:
        """The scheme by which tags mark spans; None where they do not."""
        return next(iter(self.encoded.artifacts.get("scheme", ())), None)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy" if self._scheme is None else "span_f1", higher_is_better=True)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return the micro-averaged F1 of spans by seqeval, or the means of `class_scores` over tags.

        Both are over the tokens that are read.

        Args:
            predictions: int `(N, T)`, tags.
            targets: int `(N, T)`, tags.
            mask: bool `(N, T)`, whether a step is real.
            split: the split.
        """
        if self._scheme is None:
            return class_scores(predictions[mask], targets[mask])
        return {"span_f1": span_f1(self._named(predictions, mask), self._named(targets, mask), self._scheme)}

    def _named(self, tags: np.ndarray, mask: np.ndarray) -> list[list[str]]:
        names = self.encoded.artifacts["tags"]
        return [[names[tag] for tag in row[real]] for row, real in zip(tags, mask, strict=True) if real.any()]

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the metric of each word's most frequent tag; the threshold is halfway from there to 1."""
        baseline = self.baselines(split, framing)[_BASELINE]
        return Reference(baseline, _BASELINE, (1 + baseline) / 2)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the metric of giving each word its most frequent tag of training, and O to unknown words.

        Where there is no O, unknown words get the most frequent tag.
        """
        artifacts, train, part = self.encoded.artifacts, *(self.encoded.arrays[s] for s in ("train", split))
        counts = np.zeros((len(vocabulary_of(artifacts)), len(artifacts["tags"])))
        real = _real(train)
        np.add.at(counts, (train["tokens"][real], train["tags"][real]), 1)
        frequent = counts.sum(axis=0).argmax()
        counts[0] = 0
        default = artifacts["tags"].index(OUTSIDE) if OUTSIDE in artifacts["tags"] else frequent
        counts[:, default] += 0.5  # decides only where nothing was counted
        likely, real = counts.argmax(axis=1)[part["tokens"]], _real(part)
        if self._scheme is None:
            return {_BASELINE: float((likely == part["tags"])[real].mean())}
        return {_BASELINE: self.scores(likely, part["tags"], real, split)["span_f1"]}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        return self.read_input(text, framing)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "tokens", str(self.tokens))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Encode the first T tokens of a list, or of a text in which white space separates them."""
        tokens = token_list(value, str.split)
        if not tokens:
            raise ConfigError(f"prompt: {self.name} reads at least one token, got {value!r}")
        return vocabulary_of(self.encoded.artifacts).encode(tokens[: self.length])

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the names of tags."""
        return " ".join(self.encoded.artifacts["tags"][number] for number in np.ravel(sequence))

    def render_answer(self, answer: np.ndarray, prompt: str, framing: str) -> str:
        """Return a token and its tag on each line."""
        tags = (self.encoded.artifacts["tags"][number] for number in answer)
        return "\n".join(f"{token} {tag}" for token, tag in zip(prompt.split(), tags, strict=False))

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        tokens, tags, lengths = (data[split][name][indices] for name in ("tokens", "tags", "lengths"))
        return Batch(tokens, tags, jnp.arange(self.length) < lengths[:, None], lengths)


def _real(part: Arrays) -> np.ndarray:
    """Return which steps are not padding, bool `(N, T)`."""
    return np.arange(part["tokens"].shape[1]) < part["lengths"][:, None]
