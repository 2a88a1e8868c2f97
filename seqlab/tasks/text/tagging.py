"""Which words of a sentence are names, and of what? A tag for every token, judged by whole spans."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.padding import cut_to_length
from seqlab.data.splits import split
from seqlab.data.table import Table
from seqlab.data.vocabulary import Vocabulary
from seqlab.registry import import_extra
from seqlab.tasks._data_task import RowsTask
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens


class _Read(NamedTuple):
    """A source as numbers, int32 `tokens` and `tags` `(N, T)` and `lengths` `(N,)`, and what was counted."""

    arrays: dict[str, dict[str, np.ndarray]]
    tokens: Vocabulary
    tags: tuple[str, ...]
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Tagging(RowsTask):
    """Give every token of a sentence its tag, such as B-PER, I-PER or O.

    Tokens and tags are two columns of lists; a `.conll` file has them too. Splits that the source lacks are
    made by the hash of the sentence; one that occurs twice is kept once (`data.splits`). Vocabulary and
    tags are those of the training split.

    Framing: many_to_many reads the first T tokens, as written, int32 `(B, T)`, and writes their tags,
    `(B, T)`.

    Attributes:
        tokens: the column of tokens.
        tags: the column of tags.
        length: tokens that are read of a sentence at most, T.
        most_tokens: how many different tokens have a number of their own, at most; those rarer, and those
            that training has once, have one together.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as tokens and tags: one line names file, row and field.
            Or seqeval is not installed, which judges.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    instead: ClassVar[str] = "task=entity_templates"
    scored: ClassVar[tuple[str, ...]] = ("span_f1",)
    extras: ClassVar[tuple[str, ...]] = ("seqeval",)

    tokens: str = "tokens"
    tags: str = "tags"
    length: int = 40
    most_tokens: int = 10_000

    def __post_init__(self) -> None:
        require_positive(self, "length", "most_tokens")

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(self._read.tokens))

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self._read.tags))

    def goal(self, framing: str) -> Goal:
        return Goal("span_f1", higher_is_better=True)

    def reference(self, framing: str) -> Reference:
        """Return the F1 of each word's most frequent tag; the threshold lies halfway between it and 1."""
        description = "each word's most frequent tag"
        baseline = self.baselines("test", framing)[description]
        return Reference(baseline, description, (1 + baseline) / 2)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return seqeval's micro-averaged F1 of spans, over the tokens that are read.

        Args:
            predictions: int `(N, T)`, tags.
            targets: int `(N, T)`.
            mask: bool `(N, T)`, what is real.
            split: the split.
        """
        f1 = import_extra("seqeval.metrics").f1_score
        named = [
            [
                [self._read.tags[tag] for tag in row[real]]
                for row, real in zip(tags, mask, strict=True)
                if real.any()
            ]
            for tags in (targets, predictions)
        ]
        return {"span_f1": float(f1(*named, zero_division=0))}

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the span F1 of giving each word the tag it has most often in training, and O to others."""
        part, train = self._read.arrays[split], self._read.arrays["train"]
        counts = np.zeros((len(self._read.tokens), len(self._read.tags)))
        np.add.at(counts, (train["tokens"][_real(train)], train["tags"][_real(train)]), 1)
        counts[0] = 0
        if "O" in self._read.tags:
            counts[:, self._read.tags.index("O")] += 0.5  # where nothing was seen; never overrules
        likely = counts.argmax(axis=1)[part["tokens"]]
        scores = self.scores(likely, part["tags"], _real(part), split)
        return {"each word's most frequent tag": scores["span_f1"]}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Encode the first T tokens, those of the text between white space."""
        if not text.split():
            raise ConfigError(f"--prompt: {self.name} reads at least one token, got {text!r}")
        return self._read.tokens.encode(text.split()[: self.length])

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Name the tags."""
        return " ".join(self._read.tags[number] for number in np.ravel(sequence))

    def render_answer(self, answer: np.ndarray, prompt: str, framing: str) -> str:
        """Show a token and its tag a line."""
        tags = (self._read.tags[number] for number in answer)
        return "\n".join(f"{token} {tag}" for token, tag in zip(prompt.split(), tags, strict=False))

    @property
    def symbols(self) -> Mapping[str, Sequence[str]]:
        return {"tokens": self._read.tokens.symbols, "tags": self._read.tags}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        tokens, tags, lengths = (data[split][name][indices] for name in ("tokens", "tags", "lengths"))
        return Batch(tokens, tags, jnp.arange(self.length) < lengths[:, None], lengths)


def _real(part: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.arange(part["tokens"].shape[1]) < part["lengths"][:, None]


@functools.lru_cache(maxsize=4)
def _read(task: Tagging, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    tables = task.tables()
    for table in tables.values():
        table.require(tokens=task.tokens, tags=task.tags)
    parts = split(tables, lambda table: [" ".join(row) for row in _lists(table, task.tokens)])
    sentences = {name: _lists(table, task.tokens) for name, table in parts.tables.items()}
    tags = {name: _tags(table, task.tags, sentences[name]) for name, table in parts.tables.items()}
    kept = task.kept_symbols()
    if kept is None:
        vocabulary = Vocabulary.of(sentences["train"], task.most_tokens, least=2)
        counts = collections.Counter(tag for row in tags["train"] for tag in row)
        known = tuple(sorted(counts))
    else:
        vocabulary, known = Vocabulary(tuple(kept["tokens"])), tuple(kept["tags"])
    numbers = {tag: number for number, tag in enumerate(known)}
    arrays = {}
    for name, table in parts.tables.items():
        for index, row in enumerate(tags[name]):
            if strange := next((tag for tag in row if tag not in numbers), None):
                told = f"{strange!r} is not a tag of the training split: {', '.join(known)}"
                raise table.refusal(index, task.tags, told)
        words, lengths = cut_to_length([vocabulary.encode(row) for row in sentences[name]], task.length)
        coded = [np.array([numbers[tag] for tag in row], np.int32) for row in tags[name]]
        arrays[name] = {"tokens": words, "lengths": lengths, "tags": cut_to_length(coded, task.length)[0]}
    account = {
        **{name: len(table) for name, table in parts.tables.items()},
        "duplicates": parts.duplicates,
        "cut": sum(len(row) > task.length for every in sentences.values() for row in every),
    }
    return _Read(arrays, vocabulary, known, account)


def _lists(table: Table, column: str) -> list[list[str]]:
    """Return a column of lists of texts; refuse what is none, or empty."""
    for index, value in enumerate(table.columns[column]):
        if not isinstance(value, list) or not value or not all(isinstance(token, str) for token in value):
            raise table.refusal(index, column, f"must be a list of texts, got {value!r:.60}")
    return list(table.columns[column])


def _tags(table: Table, column: str, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return a column of lists of tags by name; refuse one that is not as long as its sentence."""
    names, rows = table.names.get(column), []
    for index, (value, sentence) in enumerate(zip(table.columns[column], sentences, strict=True)):
        if not isinstance(value, list) or len(value) != len(sentence):
            raise table.refusal(index, column, f"must be a list of {len(sentence)} tags, one a token")
        if None in value:
            raise table.refusal(index, column, f"the tag of {sentence[value.index(None)]!r} is missing")
        try:
            rows.append([str(tag) if names is None else names[tag] for tag in value])
        except (IndexError, TypeError) as error:
            raise table.refusal(index, column, f"must be numbers of {', '.join(names)}") from error
    return rows
