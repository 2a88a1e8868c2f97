"""Which characters does a sound spell? Frames and a transcript, and nobody says which frame is which."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.padding import cut_to_length
from seqlab.data.sounds import Hearing
from seqlab.data.splits import split
from seqlab.data.standardizer import Scale
from seqlab.data.table import Table
from seqlab.data.vocabulary import Vocabulary
from seqlab.registry import import_extra
from seqlab.tasks._data_task import RowsTask
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Transcript, Vectors


class _Read(NamedTuple):
    """A source as float32 `frames` `(N, T, F)`, int32 `targets` `(N, M)` and their lengths."""

    arrays: dict[str, dict[str, np.ndarray]]
    characters: Vocabulary
    scale: Scale
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Transcription(Hearing, RowsTask):
    """Write down what is said, character by character.

    Sounds and transcripts are two columns of a source. Splits that the source lacks are made by the digest of
    the samples; a sound that occurs twice is kept once (`data.splits`). Characters are those of the
    training split, and every feature of a frame is told in units of its mean and standard deviation there.

    Framing: many_to_many reads the first T frames, logarithms of the energies in F bands (`data.sounds`),
    float32 `(B, T, F)`, and writes the transcript, int32 `(B, M)`, by connectionist temporal classification:
    the loss is in nats a character. T and M are those of the longest sound and transcript of the source.

    Attributes:
        sound: the column of sounds, WAV, FLAC or OGG.
        text: the column of transcripts; of one that holds classes, their names.
        length: frames that are read of a sound at most.
        target_length: characters that a transcript may have at most.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as sounds and transcripts that the frames suffice to
            spell: one line names file, row and field. Or soundfile, jiwer or scikit-learn is not installed.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    instead: ClassVar[str] = "task=transcription with a folder of your own sounds"
    scored: ClassVar[tuple[str, ...]] = ("cer", "wer")
    extras: ClassVar[tuple[str, ...]] = ("jiwer", "sklearn")

    sound: str = "audio"
    text: str = "text"
    length: int = 2000
    target_length: int = 400

    def __post_init__(self) -> None:
        require_positive(self, "length", "target_length")
        self.require_hearing()

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.num_mels)

    def output_spec(self, framing: str) -> Spec:
        return Transcript(len(self._read.characters))

    def goal(self, framing: str) -> Goal:
        return Goal("cer", higher_is_better=False)

    def reference(self, framing: str) -> Reference:
        """Return the most frequent transcript's error rate; the threshold is half the better baseline's."""
        found = self.baselines("test", framing)
        name = "the most frequent transcript"
        return Reference(found[name], name, min(found.values()) / 2)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ()

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return the shares of characters and of words in error, by jiwer.

        Args:
            predictions: int `(N, T)`, characters and then blanks, as `best_path` returns them.
            targets: int `(N, M)`.
            mask: bool `(N, M)`.
            split: the split.
        """
        return _scored(
            [self._text(row[real]) for row, real in zip(targets, mask, strict=True)],
            [self.render(row, "") for row in predictions],
        )

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the shares of characters in error of two simple answers, both out of the training split.

        They are its most frequent transcript, and that of the sound whose mean frame is nearest (by
        scikit-learn).
        """
        return dict(_baselines(self, split))

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read the sound in a file: float32 `(T, F)`."""
        try:
            frames = self.hear(Path(text)).values
        except ValueError as error:
            raise ConfigError(f"--prompt: {text} {error}") from error
        return self._read.scale.apply(frames[: self.length])

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Spell the characters, leaving blanks out."""
        return self._text(token for token in np.ravel(sequence) if token < len(self._read.characters))

    def _text(self, tokens: Any) -> str:
        return "".join(self._read.characters.decode(tokens))

    @property
    def symbols(self) -> Mapping[str, Sequence[Any]]:
        return {"characters": self._read.characters.symbols, **dataclasses.asdict(self._read.scale)}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        part = {name: values[indices] for name, values in data[split].items()}
        targets = part["targets"]
        mask = jnp.arange(targets.shape[1]) < part["target_lengths"][:, None]
        return Batch(part["frames"], targets, mask, part["lengths"])

    def heard(self, table: Table) -> Table:
        """Return a table with its sounds decoded, and its transcripts as texts.

        Raises:
            ConfigError: a column is not there, or a value is no such sound or transcript.
        """
        table.require(sound=self.sound, text=self.text)
        texts = table.labels(self.text) if self.text in table.names else table.texts(self.text)
        texts = [" ".join(text.split()) for text in texts]
        columns = {self.sound: table.decoded(self.sound, self.hear), self.text: texts}
        heard = dataclasses.replace(table, columns=columns)
        for index, (sound, text) in enumerate(zip(*columns.values(), strict=True)):
            if len(text) > self.target_length:
                told = f"has {len(text)} characters, more than task.target_length={self.target_length}"
                raise heard.refusal(index, self.text, told)
            count = min(len(sound.values), self.length)
            if (least := len(text) + sum(map(str.__eq__, text, text[1:]))) > count:
                told = f"takes {least} frames to spell, and {count} are read of the sound: "
                raise heard.refusal(index, self.text, f"{told}task.hop or task.length does not suit it")
        return heard


@functools.lru_cache(maxsize=4)
def _read(task: Transcription, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    given = {name: task.heard(table) for name, table in task.tables().items()}
    parts = split(given, lambda table: [sound.digest for sound in table.columns[task.sound]])
    heard = {
        name: [sound.values for sound in table.columns[task.sound]] for name, table in parts.tables.items()
    }
    texts = {name: table.columns[task.text] for name, table in parts.tables.items()}
    kept = task.kept_symbols()
    if kept is None:
        characters = Vocabulary(tuple(sorted(set("".join(texts["train"])))))
        scale = Scale.of(steps[: task.length] for steps in heard["train"])
    else:
        characters = Vocabulary(tuple(kept["characters"]))
        scale = Scale(tuple(kept["mean"]), tuple(kept["deviation"]))
    num_frames = min(task.length, max(len(steps) for every in heard.values() for steps in every))
    num_targets = max(len(text) for every in texts.values() for text in every)
    arrays = {}
    for name, every in heard.items():
        laid, lengths = cut_to_length([scale.apply(steps[:num_frames]) for steps in every], num_frames)
        targets, target_lengths = cut_to_length(
            [characters.encode(text) for text in texts[name]], num_targets
        )
        columns = ("frames", "lengths", "targets", "target_lengths")
        arrays[name] = dict(zip(columns, (laid, lengths, targets, target_lengths), strict=True))
    account = {
        **{name: len(table) for name, table in parts.tables.items()},
        "duplicates": parts.duplicates,
        "cut": sum(len(steps) > task.length for every in heard.values() for steps in every),
    }
    return _Read(arrays, characters, scale, account)


def _scored(wanted: Sequence[str], written: Sequence[str]) -> dict[str, float]:
    jiwer = import_extra("jiwer")
    return {name: float(getattr(jiwer, name)(list(wanted), list(written))) for name in Transcription.scored}


@functools.lru_cache(maxsize=8)
def _baselines(task: Transcription, split: str) -> tuple[tuple[str, float], ...]:
    texts, means = {}, {}
    for name in ("train", split):
        part = task._read.arrays[name]
        ends = zip(part["targets"], part["target_lengths"], strict=True)
        texts[name] = [task._text(row[:end]) for row, end in ends]
        means[name] = part["frames"].sum(axis=1) / part["lengths"][:, None]
    counts = collections.Counter(texts["train"])
    frequent = min(counts, key=lambda text: (-counts[text], text))
    neighbours = import_extra("sklearn.neighbors").NearestNeighbors(n_neighbors=1).fit(means["train"])
    nearest = neighbours.kneighbors(means[split], return_distance=False)[:, 0]
    answers = {
        "the most frequent transcript": [frequent] * len(nearest),
        "the transcript of the nearest sound": [texts["train"][index] for index in nearest],
    }
    return tuple((name, _scored(texts[split], told)["cer"]) for name, told in answers.items())
