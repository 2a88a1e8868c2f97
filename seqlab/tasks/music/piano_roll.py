"""Which notes sound next? A model of music, of all notes of a step together."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_number, require_positive
from seqlab.data.midi import write_midi
from seqlab.data.reading import stamp
from seqlab.data.rolls import LOWEST, NUM_KEYS, decode_roll, notes_of
from seqlab.data.splits import split as make_splits
from seqlab.data.table import Table
from seqlab.tasks._data_task import SourceTask
from seqlab.tasks._saving import Saving
from seqlab.types import Batch, ConfigError, Goal, Labels, Reference, Spec

_PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
INDEPENDENT = "independent notes of training frequency"
STAYING = "each note's training rates of staying and changing"


class _Read(NamedTuple):
    """The pieces of a source, uint8 `(T, 88)`, by split, and what was counted."""

    pieces: dict[str, list[np.ndarray]]
    account: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class PianoRoll(SourceTask, Saving):
    """Predict the next frame of a piece of music: which of the 88 keys of a piano sound.

    A source's column holds a piece a row: a list of frames, each a list of MIDI numbers from 21 to 108; an
    array `(T, 88)` of 0 and 1, as a column `(N, T, 88)` of an `.npz` or a cell of a `.mat` file; or a MIDI
    file of a folder. Silence after the last note of a piece is left out. Splits that the source lacks are
    made by the hash of the piece; one that occurs twice is kept once (`data.splits`).

    Framing: many_to_many reads silence and then the frames x_0 … x_{T−2}, float32 `(B, T, 88)`, and writes
    x_0 … x_{T−1}, each after those before it. A longer piece is cut into windows of T frames that overlap by
    half; in evaluation the frames that the window before had are context alone, so that every frame is
    predicted once, after half a window at least where the piece has one.

    Attributes:
        notes: the column of pieces.
        length: frames of a window, T.
        frame: how long a frame lasts in MIDI files that are read and written, in quarter notes.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as pieces: one line names file, row and field. Or music21 is
            not installed, which reads and writes MIDI files.

    Source: N. Boulanger-Lewandowski et al., "Modeling Temporal Dependencies in High-Dimensional Sequences",
        ICML 2012, for the framing and for the negative log-likelihood of a frame, the loss.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    autoregressive: ClassVar[bool] = True
    instead: ClassVar[str] = "task=bach_chorales"
    file_ending: ClassVar[str] = ".mid"

    notes: str = "notes"
    length: int = 64
    frame: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self, "length")
        require_number(self, "frame", 0.01)

    def input_spec(self, framing: str) -> Spec:
        return Labels(NUM_KEYS)

    def output_spec(self, framing: str) -> Spec:
        return Labels(NUM_KEYS)

    def goal(self, framing: str) -> Goal:
        return Goal("loss", higher_is_better=False)

    def reference(self, framing: str) -> Reference:
        """Return the nats a frame of independent notes; the threshold is 10 % below the best baseline."""
        costs = self.baselines("test", framing)
        return Reference(costs[INDEPENDENT], INDEPENDENT, 0.9 * min(costs.values()))

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("frame_accuracy",)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the nats that a frame of a split costs, each note predicted apart from all others.

            p_k(v) = (n_k(v) + 1) / (n + 2),   p_k(v | s) = (n_k(s, v) + 1) / (n_k(s) + 2)

        with n_k(v) the frames of training, out of n, in which note k sounds (v = 1) or does not (v = 0), and
        n_k(s, v) those, out of n_k(s), that follow one in which it sounded (s = 1) or did not (s = 0).
        """
        train, met = (_transitions(self._read.pieces[name]) for name in ("train", split))
        told = {INDEPENDENT: _rates(train.sum(axis=0, keepdims=True)), STAYING: _rates(train)}
        num_frames = met[..., 0].sum()
        return {name: float(-(met * np.log(rates)).sum() / num_frames) for name, rates in told.items()}

    def data_summary(self) -> Mapping[str, int]:
        return self._read.account

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read a piece of a MIDI file or of the only array of an `.npz`, after silence; "" is silence alone.

        Returns:
            float32 `(1 + T, 88)`.

        Raises:
            ConfigError: there is no such file, or it cannot be read as a piece.
        """
        piece = _prompt(Path(text), self.frame) if text else np.zeros((0, NUM_KEYS))
        return np.concatenate([np.zeros((1, NUM_KEYS)), piece]).astype(np.float32)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Name the notes of each frame after the silence read first; C4 is the middle C, a dash silence."""
        return " | ".join(" ".join(map(_name, np.flatnonzero(frame))) or "-" for frame in sequence[1:])

    def save(self, sequence: np.ndarray, path: Path) -> None:
        """Write as a MIDI file what `render` shows, a key that sounds on as one note."""
        write_midi(notes_of(sequence[1:], self.frame), path)

    @property
    def _read(self) -> _Read:
        return _read(self, stamp(self.source))

    def load(self) -> dict[str, dict[str, np.ndarray]]:
        """Return for every split the uint8 frames of all pieces, silence before each, and their windows.

        Windows are int32 `(N,)` each: `starts`, the frame that is read first; `lengths`, the frames written;
        `context`, how many of them the window before wrote.
        """
        return {name: _windows(pieces, self.length) for name, pieces in self._read.pieces.items()}

    def num_examples(self, split: str, framing: str) -> int:
        return len(self.data[split]["starts"])

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


@functools.lru_cache(maxsize=4)
def _read(task: PianoRoll, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    tables = {name: _decoded(table, task) for name, table in task.tables().items()}
    parts = make_splits(tables, _digests)
    pieces = {name: list(table.columns["roll"]) for name, table in parts.tables.items()}
    account = {**{name: len(rolls) for name, rolls in pieces.items()}, "duplicates": parts.duplicates}
    return _Read(pieces, account)


def _decoded(table: Table, task: PianoRoll) -> Table:
    table.require(notes=task.notes)
    rolls = table.decoded(task.notes, functools.partial(decode_roll, frame=task.frame))
    return dataclasses.replace(table, columns={"roll": rolls})


def _digests(table: Table) -> list[str]:
    return [hashlib.sha256(roll.tobytes()).hexdigest() for roll in table.columns["roll"]]


def _windows(pieces: Sequence[np.ndarray], length: int) -> dict[str, np.ndarray]:
    """Cut pieces into windows of T frames that overlap by half, the last moved back to end with the piece."""
    frames, starts, lengths, context, offset = [], [], [], [], 0
    for piece in pieces:
        last = max(0, len(piece) - length)
        begins = np.append(np.arange(0, last, max(1, length // 2)), last)
        frames += [np.zeros((1, NUM_KEYS), np.uint8), piece]
        starts.append(offset + begins)
        lengths.append(np.full(len(begins), min(length, len(piece))))
        context.append(np.append(0, length - np.diff(begins)))
        offset += 1 + len(piece)
    windows = {"starts": starts, "lengths": lengths, "context": context}
    joined = {name: np.concatenate(parts).astype(np.int32) for name, parts in windows.items()}
    return {"frames": np.concatenate(frames), **joined}


def _transitions(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Count how often each note is in state v after state s, silence before each piece: int `(s, v, 88)`."""
    before = np.concatenate([np.pad(piece, ((1, 0), (0, 0)))[:-1] for piece in pieces])
    now = np.concatenate(pieces)
    return np.array([[((before == s) & (now == v)).sum(axis=0) for v in (0, 1)] for s in (0, 1)])


def _rates(counts: np.ndarray) -> np.ndarray:
    """Return the share of each state v after state s, none of them 0: `(s, v, 88)`."""
    return (counts + 1) / (counts.sum(axis=1, keepdims=True) + 2)


def _prompt(path: Path, frame: float) -> np.ndarray:
    if path.suffix not in (".mid", ".midi", ".npz") or not path.is_file():
        raise ConfigError(f"--prompt={path}: must be a .mid or .npz file that is there, or '' for silence")
    try:
        if path.suffix != ".npz":
            return decode_roll(path, frame)
        with np.load(path) as file:
            if len(file.files) != 1:
                raise ValueError(f"must hold one array, got {', '.join(file.files) or 'none'}")
            return decode_roll(file[file.files[0]], frame)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"--prompt={path}: {error}") from error


def _name(key: int) -> str:
    octave, pitch = divmod(LOWEST + int(key), 12)
    return f"{_PITCHES[pitch]}{octave - 1}"
