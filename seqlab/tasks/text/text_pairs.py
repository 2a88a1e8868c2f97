"""Text to text: translation, correction, replies."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice, require_positive
from seqlab.data.columns.groups import groups_of
from seqlab.data.columns.targets import Targets, Writing, target_vocabulary
from seqlab.data.columns.texts import Texts, token_list, vocabulary_of
from seqlab.data.encoded import Encoded, encode
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.data.tokenization import LEVELS
from seqlab.metrics.texts import TEXT_METRICS
from seqlab.registry import import_extra
from seqlab.tasks._sources import shown_field, source_field
from seqlab.tasks.new_rows import column_inputs
from seqlab.tasks.task import Task
from seqlab.tasks.text._texts import (
    MAX_EVALUATED,
    answer_scores,
    judge_of,
    most_frequent,
    right_texts,
    text_goal,
    text_reference,
    text_summary,
    tokenizer_of,
    written_scores,
)
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class TextPairs(Task):
    """Read a text and write the text that belongs to it.

    The two texts are columns of a source. Splits that the source lacks are made by the hash of the text that
    is read; duplicates are dropped (`data.splits`). A target may be a list of texts that are
    right: training uses the first. Where `text` and `target` name the same column, its rows are lists of
    texts, conversations, and each text is answered by the next.

    Framing: encoder_decoder reads the first T tokens, int32 `(B, T)`, and writes the first M − 1 tokens of
    the other text and an end symbol, `(B, M)`. An evaluation pass has at most 1,024 examples.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose tokens are used; None to take them from
            the training split.
        text: the column that is read.
        target: the column that is written, or a shell pattern of several.
        level: "word" (as written, with punctuation apart), "character" or "byte" (of UTF-8).
        judge: the metric of greedy, free-running decoding that decides: "bleu" or "chrf" (sacrebleu),
            "exact_match", "cer" or "wer" (jiwer); None for BLEU, or chrF where half of the texts of training
            have fewer than four words. The first three count every text that is right, the others the first.
        length: the number of tokens that are read at most, T.
        target_length: the number of tokens that are written at most, the end symbol included, M.
        most_tokens: the largest number of tokens of a vocabulary; other tokens, and words that occur once in
            training, are unknown.
        training: the split of the source that is trained on.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.
        length_buckets: the number of buckets by length; a batch is drawn from one and padded to its longest
            row. 1 draws from all rows.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as texts: one line names file, row and column.
    """

    framings: ClassVar[tuple[str, ...]] = ("encoder_decoder",)
    scored: ClassVar[tuple[str, ...]] = tuple(TEXT_METRICS)
    extras: ClassVar[tuple[str, ...]] = ("sacrebleu", "jiwer", "sklearn")

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    text: str = "text"
    target: str = "target"
    level: str = "word"
    judge: str | None = None
    length: int = 32
    target_length: int = 32
    most_tokens: int = 10_000
    training: str = "train"
    group: str | None = shown_field(None)
    resident_bytes: int | None = shown_field(None)
    length_buckets: int = shown_field(1)

    def __post_init__(self) -> None:
        require_choice(self, "level", LEVELS)
        require_choice(self, "judge", (None, *TEXT_METRICS))
        require_positive(self, "length", "target_length", "most_tokens", "length_buckets")

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=respell or task=jupyter_en_fr")

    @functools.cached_property
    def encoded(self) -> Encoded:
        if self.text == self.target:
            source = Pairs(self.reader, self.training, self.text)
            columns = self._columns("text", "target")
        else:
            source, columns = Pairs(self.reader, self.training), self._columns(self.text, self.target)
        return encode(source, (*columns, *groups_of(self.group)), self.vocabulary, self.resident_bytes)

    def _columns(self, text: str, target: str) -> tuple[Texts, Targets]:
        min_count = 2 if self.level == "word" else 1
        return (
            Texts("text", text, self.level, self.length, self.most_tokens, min_count),
            Targets("target", target, self.writing),
        )

    @property
    def writing(self) -> Writing:
        """How texts are written."""
        return Writing(self.level, self.target_length, self.most_tokens)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(vocabulary_of(self.encoded.artifacts)))

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(target_vocabulary(self.encoded.artifacts)) + 1)

    def end_symbol(self, framing: str) -> int | None:
        return len(target_vocabulary(self.encoded.artifacts))

    @property
    def _judge(self) -> str:
        return judge_of(self.judge, self.encoded.artifacts)

    def goal(self, framing: str) -> Goal:
        return text_goal(self._judge)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return the metrics of `text_scores` of the texts that were written, int `(N, M)`."""
        written = [self.render(row, "") for row in predictions]
        return written_scores(written, self.references(split), self.encoded.artifacts)

    def data_summary(self) -> Mapping[str, Any]:
        """Return counts that describe the data, and how BLEU is computed."""
        return text_summary(self.encoded, self.references("test"))

    def reference(self, framing: str, split: str = "test") -> Reference:
        return text_reference(self._judge, self.baselines(split, framing), len(self.references(split)))

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the metric of copies, of the most frequent target, and of the target of the nearest text.

        The last two are of training. The nearest text has the most similar character trigrams (TF-IDF and
        cosine, by scikit-learn).
        """
        return {name: found[self._judge] for name, found in _baseline_scores(self, split).items()}

    def references(self, split: str) -> list[list[str]]:
        """Return the texts that are right for each evaluated example of a split."""
        return right_texts(self.encoded.texts[split]["target"], self.writing)

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        return self.read_input(text, framing)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "text", str(self.text))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Return the tokens of a text or of a list of tokens, `(T,)`."""
        column = self._columns(self.text, self.target)[0]
        found = token_list(value, column.tokenize)
        tokens = vocabulary_of(self.encoded.artifacts).encode(found)[: self.length]
        if not len(tokens):
            raise ConfigError(f"prompt: {self.name} reads at least one token, got {value!r}")
        return tokens

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the text before the first end symbol."""
        return self.writing.decode(sequence, self.encoded.artifacts)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        row = {name: values[indices] for name, values in data[split].items()}
        mask = jnp.arange(self.target_length) < row["target_lengths"][:, None]
        return Batch(row["tokens"], row["targets"], mask, row["lengths"])

    def num_evaluation(self, split: str, framing: str) -> int:
        return min(MAX_EVALUATED, self.encoded.num_rows(split))


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Source of pairs of texts.

    Attributes:
        reader: of the source of the task.
        training: the split that is trained on.
        conversations: a column of lists of texts, each answered by the next; None where pairs are two
            columns.
    """

    reader: Reader
    training: str
    conversations: str | None = None

    def tables(self) -> dict[str, Table]:
        """Return the tables of the source, the split that is trained on as `train`.

        Raises:
            ConfigError: there is no such split, or the column does not hold conversations.
        """
        tables = self.reader.tables()
        if self.training in tables:
            tables["train"] = tables.pop(self.training)
        elif tables.keys() != {"test"}:  # further data to be evaluated have no other split
            found = ", ".join(tables)
            raise ConfigError(f"task.training={self.training}: the splits of the source are {found}")
        if self.conversations is None:
            return tables
        return {name: _exchanges(table, self.conversations) for name, table in tables.items()}

    def stamp(self) -> tuple[Any, ...]:
        """Return a value that changes when the source does."""
        return self.reader.stamp()


def _exchanges(table: Table, column: str) -> Table:
    """Return each text of a column of lists with the next text of the list."""
    table.require(text=column)
    pairs: list[tuple[int, str, str]] = []
    for index, value in enumerate(table.lists(column)):
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            complaint = (
                f"must be a list of texts, as task.text and task.target are both it, got {value!r:.60}"
            )
            raise table.refusal(index, column, complaint)
        texts = [text for text in value if text.strip()]
        pairs += [(table.rows[index], *pair) for pair in itertools.pairwise(texts)]
    if not pairs:
        raise ConfigError(f"{table.name}: {column} holds no text that another follows")
    rows, texts, answers = zip(*pairs, strict=True)
    return Table(table.name, {"text": texts, "target": answers}, rows)


@functools.lru_cache(maxsize=8)
def _baseline_scores(task: TextPairs, split: str) -> dict[str, dict[str, float]]:
    train, found = task.encoded.texts["train"], task.encoded.texts[split]
    read: Sequence[str] = found["text"][:MAX_EVALUATED]
    trigrams = import_extra("sklearn.feature_extraction.text").TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 3)
    )
    known = trigrams.fit_transform(train["text"])
    nearest = np.asarray((trigrams.transform(read) @ known.T).argmax(axis=1)).ravel()
    answers = {
        "copy": read,
        "most frequent": [most_frequent(train["target"])] * len(read),
        "most alike": [train["target"][index][0] for index in nearest],
    }
    return answer_scores(answers, task.references(split), task.writing, tokenizer_of(task.encoded.artifacts))
