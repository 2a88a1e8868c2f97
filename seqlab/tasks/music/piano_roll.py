"""Prediction of the next frame of a piece of music, all its notes together."""

from __future__ import annotations

import dataclasses
import functools
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_number, require_positive
from seqlab.data.columns.column import Arrays
from seqlab.data.columns.piano_rolls import PianoRolls
from seqlab.data.encoded import Encoded, encode
from seqlab.data.media.midi import write_midi
from seqlab.data.media.piano_rolls import LOWEST, NUM_KEYS, decode_roll, notes_of
from seqlab.data.reader import Reader
from seqlab.tasks._sources import source_field
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Labels, Reference, Spec

_PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
INDEPENDENT = "independent notes of training frequency"
STAYING = "each note's training rates of staying and changing"


@dataclasses.dataclass(frozen=True)
class PianoRoll(Task):
    """Predict the next frame of a piece of music: which of the 88 keys of a piano sound.

    A column of the source holds a piece in each row: a list of frames, each a list of MIDI numbers from 21 to
    108; an array `(T, 88)` of 0 and 1, as a column `(N, T, 88)` of an `.npz` or a cell of a `.mat` file; or a
    MIDI file of a folder. Silence after the last note of a piece is left out. Splits that the source lacks
    are made by the hash of the piece; duplicates are dropped (`data.splits`).

    Framing: many_to_many reads silence and then the frames x_0 … x_{T−2}, float32 `(B, T, 88)`, and writes
    x_0 … x_{T−1}, each after those before it. Without `first_frame` no silence is read, so the first frame
    of a piece is not predicted, and a piece of one frame is left out. A longer piece is cut into windows of T
    frames that overlap by half. In evaluation, frames that the window before has predicted are context only,
    so each frame is predicted once, after half a window at least where the piece has one.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        notes: the column of pieces.
        length: frames of a window, T.
        first_frame: whether the first frame of a piece is predicted; false is the count of Bai et al. 2018.
        frame: the duration of a frame in MIDI files that are read and written, in quarter notes.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as pieces: one line names file, row and column. Or music21 is
            not installed, which reads and writes MIDI files.

    Source: N. Boulanger-Lewandowski et al., "Modeling Temporal Dependencies in High-Dimensional Sequences",
        ICML 2012, for the framing and for the negative log-likelihood of a frame, the loss; S. Bai, J. Kolter
        & V. Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
        Modeling", arXiv:1803.01271, 2018, for `first_frame=false`.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    autoregressive: ClassVar[bool] = True
    file_ending: ClassVar[str] = ".mid"

    source: str | None = source_field()
    config: str | None = source_field()
    notes: str = "notes"
    length: int = 64
    first_frame: bool = True
    frame: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self, "length")
        require_number(self, "frame", 0.01)

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=bach_chorales")

    @functools.cached_property
    def encoded(self) -> Encoded:
        return encode(
            self.reader, (PianoRolls("notes", self.notes, self.length, self.frame, self.first_frame),), None
        )

    def input_spec(self, framing: str) -> Spec:
        return Labels(NUM_KEYS)

    def output_spec(self, framing: str) -> Spec:
        return Labels(NUM_KEYS)

    def goal(self, framing: str) -> Goal:
        return Goal("loss", higher_is_better=False)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("frame_accuracy",)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the nats of a frame of independent notes; the threshold is a tenth below both baselines."""
        costs = self.baselines(split, framing)
        return Reference(costs[INDEPENDENT], INDEPENDENT, 0.9 * min(costs.values()))

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the nats that a frame of a split costs if each note is predicted apart from all others.

            p_k(v) = (n_k(v) + 1) / (n + 2),   p_k(v | s) = (n_k(s, v) + 1) / (n_k(s) + 2)

        Of the n frames of training, note k sounds (v = 1) or does not (v = 0) in n_k(v). n_k(s) frames follow
        one in which it sounded (s = 1) or did not (s = 0); in n_k(s, v) of those it has state v.
        """
        train, found = (_transitions(self.encoded.arrays[name]) for name in ("train", split))
        models = {INDEPENDENT: _rates(train.sum(axis=0, keepdims=True)), STAYING: _rates(train)}
        num_frames = found[..., 0].sum()
        return {name: float(-(found * np.log(rates)).sum() / num_frames) for name, rates in models.items()}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read a piece from a MIDI file or the only array of an `.npz`, after silence; "" is silence alone.

        Returns:
            float32 `(1 + T, 88)`.

        Raises:
            ConfigError: there is no such file, or it cannot be read as a piece.
        """
        piece = _prompt(Path(text), self.frame) if text else np.zeros((0, NUM_KEYS))
        return np.concatenate([np.zeros((1, NUM_KEYS)), piece]).astype(np.float32)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the notes of each frame after the first one, which is silence; C4 is middle C."""
        return " | ".join(
            " ".join(map(_name, np.flatnonzero(frame).tolist())) or "-" for frame in sequence[1:]
        )

    def save(self, sequence: np.ndarray, path: Path) -> None:
        """Write the frames that `render` shows as a MIDI file; a key that sounds on is one note.

        Raises:
            OSError: the file cannot be written.
        """
        write_midi(notes_of(sequence[1:], self.frame), path)

    def num_examples(self, split: str, framing: str) -> int:
        return len(self.encoded.arrays[split]["starts"])

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        part = data[split]
        lengths = part["lengths"][indices]
        real = jnp.arange(self.length) < lengths[:, None]
        at = part["starts"][indices][:, None] + jnp.arange(self.length)
        inputs, targets = (
            jnp.where(real[..., None], part["frames"][at + step], 0).astype(jnp.float32) for step in (0, 1)
        )
        return Batch(inputs, targets, real, lengths)

    def evaluation_batch(self, index: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        batch = super().evaluation_batch(index, size, split, framing, data)
        context = data[split]["context"].at[index * size + jnp.arange(size)].get(mode="clip")
        return batch._replace(mask=batch.mask & (jnp.arange(self.length) >= context[:, None]))


def _transitions(part: Arrays) -> np.ndarray:
    """Count how often each note is in state v after state s, where a frame is predicted: int `(s, v, 88)`."""
    starts, ends = part["starts"], part["starts"] + part["lengths"]
    begins = starts[np.append(True, starts[1:] > ends[:-1])]  # what is read first of each piece
    targets = np.setdiff1d(np.arange(len(part["frames"])), begins)
    before, now = part["frames"][targets - 1], part["frames"][targets]
    return np.array([[((before == s) & (now == v)).sum(axis=0) for v in (0, 1)] for s in (0, 1)])


def _rates(counts: np.ndarray) -> np.ndarray:
    """Return the share of each state v after state s, none of them 0: `(s, v, 88)`."""
    return (counts + 1) / (counts.sum(axis=1, keepdims=True) + 2)


def _prompt(path: Path, frame: float) -> np.ndarray:
    if path.suffix not in (".mid", ".midi", ".npz") or not path.is_file():
        raise ConfigError(f"prompt={path}: must be an existing .mid or .npz file, or '' for silence")
    try:
        if path.suffix != ".npz":
            return decode_roll(path, frame)
        with np.load(path) as file:
            if len(file.files) != 1:
                raise ValueError(f"must hold one array, got {', '.join(file.files) or 'none'}")
            return decode_roll(file[file.files[0]], frame)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"prompt={path}: {error}") from error


def _name(key: int) -> str:
    octave, pitch = divmod(LOWEST + int(key), 12)
    return f"{_PITCHES[pitch]}{octave - 1}"
