"""Can it turn one text into another? Translation, correction, replies: pairs of texts of a source."""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice, require_positive
from seqlab.tasks.extras import import_extra
from seqlab.tasks.sources import RowsTask, Vocabulary, cut_to_length
from seqlab.tasks.sources.splits import split
from seqlab.tasks.sources.table import Table
from seqlab.tasks.text.words import LEVELS
from seqlab.types import Batch, ConfigError, Goal, Spec, Tokens

JUDGES = {"bleu": True, "chrf": True, "cer": False, "wer": False}
"""What a run may be judged by, and whether higher is better."""
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_MOST_EVALUATED = 1024


class _Read(NamedTuple):
    """A source as int32 `tokens` `(N, T)`, `targets` `(N, M)` and their lengths, as texts, and a count."""

    arrays: dict[str, dict[str, np.ndarray]]
    tables: dict[str, Table]
    vocabularies: tuple[Vocabulary, Vocabulary]
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class TextPairs(RowsTask):
    """Read a text and write the text that belongs to it.

    The two are columns of a source. Splits that the source lacks are made by the hash of the text to be read,
    and one that occurs twice is kept once (`sources.splits`). Vocabularies are those of the training split.
    A target may be a list of texts that are right: the first is taught. Where `text` and `target` name one
    column, its rows are lists of texts, conversations, each text answered by the next.

    Framing: encoder_decoder reads the first T tokens, int32 `(B, T)`, and writes the first M − 1 of the other
    text and a sign that it ends, `(B, M)`. Evaluation is over a split's first 1,024 pairs at most.

    Attributes:
        text: the column that is read.
        target: the column that is written.
        level: "word" (as written, punctuation apart) or "character".
        judge: what decides: "bleu" or "chrf" (sacrebleu), "cer" or "wer" (jiwer), of greedy decoding, running
            freely, against the whole target, its tokens too with a space between words; the first two count
            every text that is right, the others the first.
        length: tokens that are read at most, T.
        target_length: tokens that are written at most, the sign of the end among them, M.
        most_tokens: how many different tokens of each side have a number of their own, at most; those rarer,
            and words that training has once, have one together.
        training: the split of the source that is trained on.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as texts: one line names file, row and field. Or
            sacrebleu, jiwer or scikit-learn is not installed.
    """

    architectures: ClassVar[tuple[str, ...]] = ("encoder_decoder",)
    instead: ClassVar[str] = "task=respell or task=jupyter_en_fr"
    scored: ClassVar[tuple[str, ...]] = tuple(JUDGES)

    text: str = "text"
    target: str = "target"
    level: str = "word"
    judge: str = "bleu"
    length: int = 32
    target_length: int = 32
    most_tokens: int = 10_000
    training: str = "train"

    def __post_init__(self) -> None:
        require_choice(self, "level", LEVELS)
        require_choice(self, "judge", tuple(JUDGES))
        require_positive(self, "length", "target_length", "most_tokens")

    def input_spec(self, architecture: str) -> Spec:
        return Tokens(len(self._read.vocabularies[0]))

    def output_spec(self, architecture: str) -> Spec:
        return Tokens(len(self._read.vocabularies[1]) + 1)

    def end_symbol(self, architecture: str) -> int | None:
        return len(self._read.vocabularies[1])

    def goal(self, architecture: str) -> Goal:
        """Judge by `judge` against the better of a copy of what was read and the most frequent target.

        Solved is what the target of the training text most alike is judged with, where that is better, else
        half the way to perfect.
        """
        higher, found = JUDGES[self.judge], self.baselines("test", architecture)
        better = max if higher else min
        name = better(("copy", "most frequent"), key=found.__getitem__)
        half = (found[name] + (100.0 if higher else 0.0)) / 2
        nearest = found["most alike"]
        solved = nearest if (nearest > found[name]) == higher and nearest != found[name] else half
        return Goal(self.judge, found[name], name, solved, higher_is_better=higher)

    def metrics(self, architecture: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> Mapping[str, float]:
        """Return BLEU and chrF by sacrebleu, and the shares of characters and words in error by jiwer.

        Args:
            predictions: int `(N, M)`, what was written.
            targets: int `(N, M)`, the beginnings of the evaluation pass's targets, which tell the split.
            mask: bool `(N, M)`.
        """
        split = self._split_of(targets)
        return self._scored([self.render(row, "") for row in predictions], split)

    def _split_of(self, targets: np.ndarray) -> str:
        for name, part in self._read.arrays.items():
            if np.array_equal(part["targets"][:_MOST_EVALUATED], targets):
                return name
        raise ValueError("targets are those of no split")

    def _scored(self, written: Sequence[str], split: str) -> dict[str, float]:
        sacrebleu, jiwer = import_extra("sacrebleu"), import_extra("jiwer")
        told = self._read.tables[split].columns["targets"][: len(written)]
        spaced = [[self._spaced(text) for text in targets] for targets in told]
        right = [list(texts) for texts in itertools.zip_longest(*spaced)]
        return {
            "bleu": sacrebleu.corpus_bleu(list(written), right, force=True).score,
            "chrf": sacrebleu.corpus_chrf(list(written), right).score,
            "cer": float(jiwer.cer(right[0], list(written))),
            "wer": float(jiwer.wer(right[0], list(written))),
        }

    def _spaced(self, text: str) -> str:
        return self._joined(_pieces(text, self.level))

    def _joined(self, tokens: Sequence[str]) -> str:
        return (" " if self.level == "word" else "").join(tokens)

    def baselines(self, split: str, architecture: str) -> dict[str, float]:
        """Return what three simple answers are judged with.

        They are the text that was read, the most frequent target of training, and the target of the training
        text whose character trigrams are most alike (TF-IDF and cosine, by scikit-learn).
        """
        return {name: found[self.judge] for name, found in _baselines(self, split).items()}

    def read_prompt(self, text: str, architecture: str) -> np.ndarray:
        tokens = self._read.vocabularies[0].encode(_pieces(text, self.level))[: self.length]
        if not len(tokens):
            raise ConfigError(f"--prompt: {self.name} reads at least one token, got {text!r}")
        return tokens

    def render(self, sequence: np.ndarray, architecture: str) -> str:
        """Decode tokens up to the sign of the end."""
        end, tokens = len(self._read.vocabularies[1]), np.ravel(sequence).tolist()
        return self._joined(self._read.vocabularies[1].decode(tokens[: [*tokens, end].index(end)]))

    @property
    def symbols(self) -> Mapping[str, Sequence[str]]:
        return dict(zip(("tokens", "targets"), (v.symbols for v in self._read.vocabularies), strict=True))

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def num_evaluation(self, split: str, architecture: str) -> int:
        return min(_MOST_EVALUATED, self.num_examples(split, architecture))

    def gather(self, indices: jax.Array, split: str, architecture: str, data: Any) -> Batch:
        part = {name: values[indices] for name, values in data[split].items()}
        mask = jnp.arange(self.target_length) < part["target_lengths"][:, None]
        return Batch(part["tokens"], part["targets"], mask, part["lengths"])


def _pieces(text: str, level: str) -> list[str]:
    return _WORD.findall(text) if level == "word" else list(" ".join(text.split()))


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
        name: [[_pieces(text, task.level) for text in side] for side in _taught(table)]
        for name, table in parts.tables.items()
    }
    kept, least = task.kept_symbols(), 2 if task.level == "word" else 1
    if kept is None:
        reads, writes = (Vocabulary.of(side, task.most_tokens, least) for side in cut["train"])
    else:
        reads, writes = Vocabulary(tuple(kept["tokens"])), Vocabulary(tuple(kept["targets"]))
    arrays, end = {}, np.array([len(writes)], np.int32)
    for name, (before, after) in cut.items():
        tokens, lengths = cut_to_length([reads.encode(text) for text in before], task.length)
        coded = [np.append(writes.encode(text)[: task.target_length - 1], end) for text in after]
        targets, target_lengths = cut_to_length(coded, task.target_length)
        arrays[name] = dict(
            zip(
                ("tokens", "lengths", "targets", "target_lengths"),
                (tokens, lengths, targets, target_lengths),
                strict=True,
            )
        )
    account = {
        **{name: len(table) for name, table in parts.tables.items()},
        "duplicates": parts.duplicates,
        "cut": sum(
            len(a) > task.length or len(b) >= task.target_length
            for sides in cut.values()
            for a, b in zip(*sides, strict=True)
        ),
    }
    return _Read(arrays, parts.tables, (reads, writes), account)


def _pairs(table: Table, text: str, target: str) -> Table:
    """Return each `text` of a table with its `targets`, the list of the texts that may answer it."""
    table.require(text=text, target=target)
    if text == target:
        return _exchanges(table, text)
    targets = []
    for index, value in enumerate(table.columns[target]):
        every = list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
        if strange := [one for one in every if not isinstance(one, str)]:
            raise table.refusal(index, target, f"must be a text or a list of texts, got {strange[0]!r}")
        targets.append([one for one in every if one.strip()])
        if not targets[-1]:
            raise table.refusal(index, target, "the text is empty")
    return Table(table.name, {"text": table.texts(text), "targets": targets}, table.rows)


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


@functools.lru_cache(maxsize=8)
def _baselines(task: TextPairs, split: str) -> dict[str, dict[str, float]]:
    known_texts, known_targets = _taught(task._read.tables["train"])
    read = task._read.tables[split].columns["text"][: task.num_evaluation(split, "")]
    frequent = collections.Counter(known_targets).most_common(1)[0][0]
    trigrams = import_extra("sklearn.feature_extraction.text").TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 3)
    )
    known = trigrams.fit_transform(known_texts)
    alike = np.asarray((trigrams.transform(read) @ known.T).argmax(axis=1)).ravel()
    answers = {
        "copy": read,
        "most frequent": [frequent] * len(read),
        "most alike": [known_targets[index] for index in alike],
    }
    return {
        name: task._scored([task._spaced(text) for text in told], split) for name, told in answers.items()
    }
