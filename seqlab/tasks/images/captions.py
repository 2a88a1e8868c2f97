"""Captions: texts that describe images."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice, require_count, require_positive
from seqlab.data.columns import images
from seqlab.data.columns.groups import groups_of
from seqlab.data.columns.targets import EveryTarget, Writing, target_vocabulary
from seqlab.data.encoded import Encoded, encode
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.data.tokenization import LEVELS
from seqlab.metrics.texts import TEXT_METRICS
from seqlab.registry import import_extra
from seqlab.tasks._inputs import described
from seqlab.tasks._sources import shown_field, source_field
from seqlab.tasks.images._shifts import shift_training
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
from seqlab.types import Batch, ConfigError, Goal, Images, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class Captions(Task):
    """Read an image and write a text that describes it.

    Images and texts are columns of a source. Splits that the source lacks are made by the hash of the pixels;
    of equal images one is kept (`data.splits`), with the texts of all its rows in the split. The vocabulary
    is that of the training split. An image with several texts is a training example with each of them; it is
    evaluated once, and its loss is that of its first text.

    Framing: one_to_many reads an image, float32 `(B, H, W, C)` in [0, 1], and writes the first M − 1 tokens
    of a text and an end symbol, int32 `(B, M)`. An evaluation pass has at most 1,024 examples.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose tokens are used; None to take them from
            the training split.
        image: the column of images.
        text: the column of texts or of lists of them, or a shell pattern of several, such as `caption_*`.
        level: "word" (as written, with punctuation apart), "character" or "byte" (of UTF-8).
        judge: the metric of greedy, free-running decoding that decides: "bleu" or "chrf" (sacrebleu),
            "exact_match", "cer" or "wer" (jiwer); None for BLEU, or chrF where half of the texts of training
            have fewer than four words. The first three count every text of an image, the others the first.
        height: images of another size are resized to this height, in pixels, H.
        width: the width, in pixels, W.
        channels: 1 for grey, 3 for red, green and blue, C.
        shift: the largest random shift of a training image along height and width, in pixels, drawn again
            for every batch (`_shifts`); 0 for no shift.
        length: the number of tokens that are written at most, the end symbol included, M.
        most_tokens: the largest number of tokens in the vocabulary; other tokens, and words that occur once
            in training, are unknown.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as images and texts: one line names file, row and column.

    Source: O. Vinyals et al. 2015, "Show and Tell: A Neural Image Caption Generator", arXiv:1411.4555, whose
        network also sees the image at the first step only. Deviation: its convolutions were pretrained.
    """

    framings: ClassVar[tuple[str, ...]] = ("one_to_many",)
    scored: ClassVar[tuple[str, ...]] = tuple(TEXT_METRICS)
    extras: ClassVar[tuple[str, ...]] = ("sacrebleu", "jiwer", "sklearn")

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    image: str = "image"
    text: str = "text"
    level: str = "word"
    judge: str | None = None
    height: int = 32
    width: int = 32
    channels: int = 3
    shift: int = shown_field(0)
    length: int = 20
    most_tokens: int = 10_000
    group: str | None = shown_field(None)
    resident_bytes: int | None = shown_field(None)

    def __post_init__(self) -> None:
        require_choice(self, "level", LEVELS)
        require_choice(self, "judge", (None, *TEXT_METRICS))
        require_positive(self, "height", "width", "length", "most_tokens")
        require_count(self, "shift")
        require_choice(self, "channels", (1, 3))

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=glyphs")

    @functools.cached_property
    def encoded(self) -> Encoded:
        columns = (
            images.Images("image", self.image, self._size),
            EveryTarget("text", self.text, self.writing),
            *groups_of(self.group),
        )
        return encode(self.reader, columns, self.vocabulary, self.resident_bytes)

    @property
    def _size(self) -> images.ImageSize:
        return images.ImageSize(self.height, self.width, self.channels)

    @property
    def writing(self) -> Writing:
        """How texts are written."""
        return Writing(self.level, self.length, self.most_tokens)

    def input_spec(self, framing: str) -> Spec:
        return Images(self.height, self.width, self.channels)

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
        """Return the metric of training's most frequent text, and of the first text of its nearest image.

        The nearest image is that of the least Euclidean distance in pixels, by scikit-learn.
        """
        return {name: found[self._judge] for name, found in _baseline_scores(self, split).items()}

    def references(self, split: str) -> list[list[str]]:
        """Return the texts that are right for each evaluated example of a split."""
        return right_texts(self.encoded.texts[split]["text"], self.writing)

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read an image file."""
        return self.read_input(text, framing)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "image", str(self.image))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Read an image: a path, or `{"bytes": …, "path": …}` as a data set of the hub holds it."""
        try:
            return self._size.decode(Path(value) if isinstance(value, str) else value)
        except ValueError as error:
            raise ConfigError(f"prompt: {described(value)} {error}") from error

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the text before the first end symbol."""
        return self.writing.decode(sequence, self.encoded.artifacts)

    def num_examples(self, split: str, framing: str) -> int:
        return len(self.encoded.arrays[split]["targets"])

    def num_evaluation(self, split: str, framing: str) -> int:
        return min(MAX_EVALUATED, self.encoded.num_rows(split))

    def draw(self, key: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        return shift_training(super().draw(key, size, split, framing, data), key, split, self.shift)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        part = data[split]
        pixels = part["images"][part["row"][indices]].astype(jnp.float32) / 255
        mask = jnp.arange(self.length) < part["target_lengths"][indices][:, None]
        return Batch(pixels, part["targets"][indices], mask)


@functools.lru_cache(maxsize=8)
def _baseline_scores(task: Captions, split: str) -> dict[str, dict[str, float]]:
    pixels = {
        name: part["images"].reshape(len(part["images"]), -1) for name, part in task.encoded.arrays.items()
    }
    queries = pixels[split][:MAX_EVALUATED].astype(np.float32)
    known = import_extra("sklearn.neighbors").NearestNeighbors(n_neighbors=1).fit(pixels["train"])
    nearest = known.kneighbors(queries, return_distance=False)[:, 0]
    texts = task.encoded.texts["train"]["text"]
    answers = {
        "most frequent": [most_frequent(texts)] * len(queries),
        "nearest image": [texts[index][0] for index in nearest],
    }
    return answer_scores(answers, task.references(split), task.writing, tokenizer_of(task.encoded.artifacts))
