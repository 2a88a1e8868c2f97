"""Transcription: the characters that a sound spells, without an alignment."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.columns.groups import groups_of
from seqlab.data.columns.series import Series, SoundFrames
from seqlab.data.columns.transcripts import Transcripts, characters, spell
from seqlab.data.encoded import Encoded, encode
from seqlab.data.media.mel import LogMel
from seqlab.data.reader import Reader
from seqlab.data.standardizer import Standardizer
from seqlab.data.table import Table
from seqlab.metrics.texts import cer, wer
from seqlab.registry import import_extra
from seqlab.tasks._inputs import described
from seqlab.tasks._sources import shown_field, source_field
from seqlab.tasks.new_rows import column_inputs
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Transcript, Vectors

_MOST_FREQUENT = "the most frequent transcript"


@dataclasses.dataclass(frozen=True)
class Transcription(Task):
    """Write down what is said, character by character.

    Sounds and transcripts are two columns of a source. Splits that the source lacks are made by the digest of
    the samples; duplicates are dropped (`data.splits`). Characters are those of the training split, and
    each feature of a frame is standardised by its mean and standard deviation there.

    Framing: many_to_many reads the first T log-mel frames (`data.media.mel`), float32 `(B, T, F)`, and writes
    the transcript, int32 `(B, M)`, by connectionist temporal classification; the loss is in nats a character.
    T and M are those of the longest sound and transcript of the source.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose characters, means and deviations are used;
            None to take them from the training split.
        sound: the column of sounds, WAV, FLAC or OGG.
        text: the column of transcripts; of a column of classes, their names.
        rate: the sampling rate that every sound must have, in Hz.
        window: the duration of the window of a frame, in milliseconds.
        hop: the time from one frame to the next, in milliseconds.
        num_mels: the number of bands, F.
        length: the number of frames that are read of a sound at most.
        target_length: the number of characters that a transcript may have.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.
        length_buckets: the number of buckets by length; a batch is drawn from one and padded to its longest
            row. 1 draws from all rows.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as sounds and transcripts, or a sound has too few frames to
            spell its transcript: one line names file, row and column.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    scored: ClassVar[tuple[str, ...]] = ("cer", "wer")
    extras: ClassVar[tuple[str, ...]] = ("jiwer", "sklearn")

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    sound: str = "audio"
    text: str = "text"
    rate: int = 16_000
    window: float = 25.0
    hop: float = 10.0
    num_mels: int = 40
    length: int = 2000
    target_length: int = 400
    group: str | None = shown_field(None)
    resident_bytes: int | None = shown_field(None)
    length_buckets: int = shown_field(1)

    def __post_init__(self) -> None:
        require_positive(self, "length", "target_length", "length_buckets")
        _ = self._sounds

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=transcription with a folder of your own sounds")

    @property
    def _frames(self) -> SoundFrames:
        return SoundFrames(LogMel(self.rate, self.window, self.hop, self.num_mels))

    @property
    def _sounds(self) -> Series:
        return Series("sound", self.sound, self.length, self._frames)

    @functools.cached_property
    def encoded(self) -> Encoded:
        transcripts = Transcripts("text", self.text, self.target_length, "sound", self.length)
        return encode(
            self.reader,
            (self._sounds, transcripts, *groups_of(self.group)),
            self.vocabulary,
            self.resident_bytes,
        )

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.num_mels)

    def output_spec(self, framing: str) -> Spec:
        return Transcript(len(characters(self.encoded.artifacts)))

    def goal(self, framing: str) -> Goal:
        return Goal("cer", higher_is_better=False)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ()

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return the character and the word error rate, by jiwer.

        Args:
            predictions: int `(N, T)`, characters and then blanks, as `best_path` returns them.
            targets: int `(N, M)`.
            mask: bool `(N, M)`.
            split: the split.
        """
        written = [self.render(row, "") for row in predictions]
        right = [self.render(row[real], "") for row, real in zip(targets, mask, strict=True)]
        return {"cer": cer(written, right), "wer": wer(written, right)}

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the CER of the most frequent transcript; the threshold is half that of the best baseline."""
        found = self.baselines(split, framing)
        return Reference(found[_MOST_FREQUENT], _MOST_FREQUENT, min(found.values()) / 2)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the character error rates of two transcripts of training.

        They are the most frequent one, and that of the sound with the nearest mean frame (by scikit-learn).
        """
        return dict(_baselines(self, split))

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read a sound file: float32 `(T, F)`."""
        return self.read_input(text, framing)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "sound", str(self.sound))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Read a sound: a path, or `{"bytes": …, "path": …}` as a data set of the hub holds it."""
        try:
            sound = self._frames.decode_file(Path(value) if isinstance(value, str) else value)
        except ValueError as error:
            raise ConfigError(f"prompt: {described(value)} {error}") from error
        return self._sounds.standardized(sound.steps, Standardizer.restore(self.encoded.artifacts))

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the characters of a sequence without its blanks."""
        return spell(np.ravel(sequence).tolist(), self.encoded.artifacts)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        row = {name: values[indices] for name, values in data[split].items()}
        mask = jnp.arange(row["targets"].shape[1]) < row["target_lengths"][:, None]
        return Batch(row["series"], row["targets"], mask, row["lengths"])


@functools.lru_cache(maxsize=8)
def _baselines(task: Transcription, split: str) -> tuple[tuple[str, float], ...]:
    texts, means = {}, {}
    for name in ("train", split):
        part = task.encoded.arrays[name]
        ends = zip(part["targets"], part["target_lengths"], strict=True)
        texts[name] = [task.render(row[:end], "") for row, end in ends]
        means[name] = part["series"].sum(axis=1) / part["lengths"][:, None]
    counts = collections.Counter(texts["train"])
    frequent = min(counts, key=lambda text: (-counts[text], text))
    neighbours = import_extra("sklearn.neighbors").NearestNeighbors(n_neighbors=1).fit(means["train"])
    nearest = neighbours.kneighbors(means[split], return_distance=False)[:, 0]
    answers = {
        _MOST_FREQUENT: [frequent] * len(nearest),
        "the transcript of the nearest sound": [texts["train"][index] for index in nearest],
    }
    return tuple((name, cer(written, texts[split])) for name, written in answers.items())
