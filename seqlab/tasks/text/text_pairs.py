"""Can it turn one text into another? Translation, correction, replies: pairs of texts of a source."""

from __future__ import annotations

import dataclasses
import functools
import itertools
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
from seqlab.tasks.text._writing import WritingTask, pieces, with_ends
from seqlab.types import Batch, ConfigError, Spec, Tokens


class _Read(NamedTuple):
    """A source as int32 `tokens` `(N, T)`, `targets` `(N, M)` and their lengths, as texts, and a count."""

    arrays: dict[str, dict[str, np.ndarray]]
    tables: dict[str, Table]
    reads: Vocabulary
    writes: Vocabulary
    account: Mapping[str, Any]

    @property
    def wanted(self) -> dict[str, Sequence[Sequence[str]]]:
        """The texts that are right, of each example of each split."""
        return {name: table.columns["targets"] for name, table in self.tables.items()}


@dataclasses.dataclass(frozen=True)
class TextPairs(WritingTask):
    """Read a text and write the text that belongs to it.

    The two are columns of a source. Splits that the source lacks are made by the hash of the text to be read,
    and one that occurs twice is kept once (`data.splits`). Vocabularies are those of the training split.
    A target may be a list of texts that are right: the first is taught. Where `text` and `target` name one
    column, its rows are lists of texts, conversations, each text answered by the next.

    Framing: encoder_decoder reads the first T tokens, int32 `(B, T)`, and writes the first M − 1 of the other
    text and a sign that it ends, `(B, M)`.

    Attributes:
        text: the column that is read.
        target: the column that is written.
        length: tokens that are read at most, T.
        target_length: tokens that are written at most, the sign of the end among them, M.
        training: the split of the source that is trained on.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as texts: one line names file, row and field.
    """

    framings: ClassVar[tuple[str, ...]] = ("encoder_decoder",)
    instead: ClassVar[str] = "task=respell or task=jupyter_en_fr"

    text: str = "text"
    target: str = "target"
    length: int = 32
    target_length: int = 32
    training: str = "train"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "length", "target_length")

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(self._read.reads))

    def answers(self, split: str) -> Mapping[str, Sequence[str]]:
        """Return what was read, the most frequent target, and the target of the text most alike.

        The last two are training's; alike are texts whose character trigrams are (TF-IDF and cosine, by
        scikit-learn).
        """
        known_texts, known_targets = _taught(self._read.tables["train"])
        read = self._read.tables[split].columns["text"][: self.num_evaluation(split, "")]
        trigrams = import_extra("sklearn.feature_extraction.text").TfidfVectorizer(
            analyzer="char_wb", ngram_range=(1, 3)
        )
        known = trigrams.fit_transform(known_texts)
        alike = np.asarray((trigrams.transform(read) @ known.T).argmax(axis=1)).ravel()
        return {
            "copy": read,
            "most frequent": [self.most_frequent()] * len(read),
            "most alike": [known_targets[index] for index in alike],
        }

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        tokens = self._read.reads.encode(pieces(text, self.level))[: self.length]
        if not len(tokens):
            raise ConfigError(f"--prompt: {self.name} reads at least one token, got {text!r}")
        return tokens

    @property
    def symbols(self) -> Mapping[str, Sequence[str]]:
        return {"tokens": self._read.reads.symbols, "targets": self._read.writes.symbols}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        part = {name: values[indices] for name, values in data[split].items()}
        mask = jnp.arange(self.target_length) < part["target_lengths"][:, None]
        return Batch(part["tokens"], part["targets"], mask, part["lengths"])


@functools.lru_cache(maxsize=4)
def _read(task: TextPairs, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    given = task.tables()
    if task.training not in given:
        raise ConfigError(f"task.training={task.training}: the splits of the source are {', '.join(given)}")
    given["train"] = given.pop(task.training)
    tables = {name: _pairs(table, task.text, task.target) for name, table in given.items()}
    parts = split(tables, lambda table: table.columns["text"])
    cut = {
        name: [[pieces(text, task.level) for text in side] for side in _taught(table)]
        for name, table in parts.tables.items()
    }
    kept = task.kept_symbols()
    if kept is None:
        reads, writes = (task.vocabulary_of(side) for side in cut["train"])
    else:
        reads, writes = Vocabulary(tuple(kept["tokens"])), Vocabulary(tuple(kept["targets"]))
    arrays = {}
    for name, (before, after) in cut.items():
        tokens, lengths = cut_to_length([reads.encode(text) for text in before], task.length)
        targets, target_lengths = with_ends(after, writes, task.target_length)
        arrays[name] = {
            "tokens": tokens,
            "lengths": lengths,
            "targets": targets,
            "target_lengths": target_lengths,
        }
    account = {
        **{name: len(table) for name, table in parts.tables.items()},
        "duplicates": parts.duplicates,
        "cut": sum(
            len(a) > task.length or len(b) >= task.target_length
            for sides in cut.values()
            for a, b in zip(*sides, strict=True)
        ),
    }
    return _Read(arrays, parts.tables, reads, writes, account)


def _pairs(table: Table, text: str, target: str) -> Table:
    """Return each `text` of a table with its `targets`, the texts that may answer it."""
    table.require(text=text, target=target)
    if text == target:
        return _exchanges(table, text)
    columns = {"text": table.texts(text), "targets": table.several_texts("target", target)}
    return Table(table.name, columns, table.rows)


def _exchanges(table: Table, column: str) -> Table:
    """Return each text of lists of texts with the next, its only answer."""
    pairs = []
    for index, value in enumerate(table.columns[column]):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            told = f"must be a list of texts, as task.text and task.target are both it, got {value!r:.60}"
            raise table.refusal(index, column, told)
        said = [one for one in value if one.strip()]
        pairs += [(table.rows[index], *pair) for pair in itertools.pairwise(said)]
    if not pairs:
        raise ConfigError(f"{table.name}: {column} holds no text that another follows")
    rows, texts, answers = zip(*pairs, strict=True)
    return Table(table.name, {"text": texts, "targets": [[answer] for answer in answers]}, rows)


def _taught(table: Table) -> tuple[Sequence[str], list[str]]:
    """Return the texts of a table, and of each the first that is right."""
    return table.columns["text"], [targets[0] for targets in table.columns["targets"]]
