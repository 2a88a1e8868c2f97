"""Can it turn one text into another? Translation, correction, replies: pairs of texts of a source."""

from __future__ import annotations

import collections
import dataclasses
import functools
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
from seqlab.tasks.text.words import LEVELS
from seqlab.types import Batch, ConfigError, Goal, Spec, Tokens

JUDGES = {"bleu": True, "chrf": True, "cer": False, "wer": False}
"""What a run may be judged by, and whether higher is better."""
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_MOST_EVALUATED = 1024


class _Read(NamedTuple):
    """A source as int32 `tokens` `(N, T)`, `targets` `(N, M)` and their lengths, its texts, and a count."""

    arrays: dict[str, dict[str, np.ndarray]]
    texts: dict[str, tuple[list[str], list[str]]]
    vocabularies: tuple[Vocabulary, Vocabulary]
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class TextPairs(RowsTask):
    """Read a text and write the text that belongs to it.

    The two are columns of a source. Splits that the source lacks are made by the hash of the text to be read,
    and one that occurs twice is kept once (`sources.splits`). Vocabularies are those of the training split.

    Framing: encoder_decoder reads the first T tokens, int32 `(B, T)`, and writes the first M − 1 of the other
    text and a sign that it ends, `(B, M)`. Evaluation is over a split's first 1,024 pairs at most.

    Attributes:
        text: the column that is read.
        target: the column that is written.
        level: "word" (as written, punctuation apart) or "character".
        judge: what decides: "bleu" or "chrf" (sacrebleu), "cer" or "wer" (jiwer), of greedy decoding, running
            freely, against the whole target, its tokens too with a space between words.
        length: tokens that are read at most, T.
        target_length: tokens that are written at most, the sign of the end among them, M.
        most_tokens: how many different tokens of each side have a number of their own, at most; those rarer,
            and words that training has once, have one together.

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
        wanted = [self._spaced(text) for text in self._read.texts[split][1][: len(written)]]
        return {
            "bleu": sacrebleu.corpus_bleu(list(written), [wanted]).score,
            "chrf": sacrebleu.corpus_chrf(list(written), [wanted]).score,
            "cer": float(jiwer.cer(wanted, list(written))),
            "wer": float(jiwer.wer(wanted, list(written))),
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
    tables = task.tables()
    for table in tables.values():
        table.require(text=task.text, target=task.target)
    parts = split(tables, lambda table: table.texts(task.text))
    texts = {name: (table.texts(task.text), table.texts(task.target)) for name, table in parts.tables.items()}
    cut = {name: [[_pieces(t, task.level) for t in side] for side in sides] for name, sides in texts.items()}
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
    return _Read(arrays, texts, (reads, writes), account)


@functools.lru_cache(maxsize=8)
def _baselines(task: TextPairs, split: str) -> dict[str, dict[str, float]]:
    texts = task._read.texts
    read, count = texts[split][0], task.num_evaluation(split, "")
    frequent = collections.Counter(texts["train"][1]).most_common(1)[0][0]
    trigrams = import_extra("sklearn.feature_extraction.text").TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 3)
    )
    known = trigrams.fit_transform(texts["train"][0])
    alike = np.asarray((trigrams.transform(read[:count]) @ known.T).argmax(axis=1)).ravel()
    answers = {
        "copy": read[:count],
        "most frequent": [frequent] * count,
        "most alike": [texts["train"][1][index] for index in alike],
    }
    return {
        name: task._scored([task._spaced(text) for text in told], split) for name, told in answers.items()
    }
