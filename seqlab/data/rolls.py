"""Which notes sound at each step of a piece? Piano rolls, of notes in time and of files that hold some."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.midi import Note, read_midi
from seqlab.data.table import Table
from seqlab.types import ConfigError

LOWEST, HIGHEST = 21, 108
"""The MIDI numbers of a piano's first and last key, A0 and C8."""
NUM_KEYS = HIGHEST - LOWEST + 1
MAT = {"train": "traindata", "validation": "validdata", "test": "testdata"}
"""The split that each variable of a `.mat` file is."""
_NEARLY = 1e-6
"""What a time may be off, in frames, of a fraction that floats cannot hold."""


def roll_of(notes: Iterable[Note], frame: float) -> np.ndarray:
    """Say which notes sound when each frame begins: begin ≤ t · frame < end.

    Args:
        notes: in any order.
        frame: how long a frame lasts, in quarter notes.

    Returns:
        uint8 `(T, 88)`, T the frames until the last note ends.

    Raises:
        ValueError: a note that a piano does not have.
    """
    keys = [(_key(note.number), *(_first(t, frame) for t in (note.begin, note.end))) for note in notes]
    roll = np.zeros((max((end for _, _, end in keys), default=0), NUM_KEYS), np.uint8)
    for key, begin, end in keys:
        roll[begin:end, key] = 1
    return roll


def notes_of(roll: np.ndarray, frame: float) -> list[Note]:
    """Return the notes of a roll `(T, 88)`, one for each run of frames in which a key sounds."""
    edges = np.diff(np.pad(roll.astype(np.int8), ((1, 1), (0, 0))), axis=0).T
    begins, ends = np.argwhere(edges > 0), np.argwhere(edges < 0)
    return [
        Note(LOWEST + int(key), float(begin) * frame, float(end) * frame)
        for (key, begin), (_, end) in zip(begins, ends, strict=True)
    ]


def decode_roll(value: Any, frame: float) -> np.ndarray:
    """Return a piece as uint8 `(T, 88)`; silence after its last note is left out.

    Args:
        value: an array `(T, 88)` of 0 and 1; a list of frames, each a list of MIDI numbers; or the path of a
            MIDI file.
        frame: of a MIDI file, as in `roll_of`.

    Raises:
        ValueError: it is none of them, holds a note that a piano does not have, or none; the message says
            what is wrong, not which piece.
    """
    if isinstance(value, Path):
        roll = roll_of(read_midi(value), frame)
    else:
        roll = _checked(value) if isinstance(value, np.ndarray) else _laid(value)
    sounding = np.flatnonzero(roll.any(axis=1))
    if not len(sounding):
        raise ValueError("has no note")
    return roll[: sounding[-1] + 1]


def read_mat(path: Path) -> dict[str, Table]:
    """Read the splits of a `.mat` file: cells of arrays `(T, 88)`, as `MAT` names them.

    Raises:
        ConfigError: the file is missing or none of MATLAB's, or has no `traindata`.

    Source: of the layout, the data sets JSB Chorales, Piano-midi.de, Nottingham and MuseData of
        N. Boulanger-Lewandowski et al. (ICML 2012), as they go round.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise ConfigError(f"task.source={path} does not exist")
    try:
        found = loadmat(path, variable_names=list(MAT.values()))
    except Exception as error:  # of the reader, which has many for what is broken
        raise ConfigError(f"{path} cannot be read: {str(error).strip().splitlines()[0]}") from error
    cells = {split: found[name].ravel() for split, name in MAT.items() if name in found}
    if "train" not in cells:
        raise ConfigError(f"{path} has no variable {MAT['train']}")
    return {split: _table(f"{path} ({MAT[split]})", pieces) for split, pieces in cells.items()}


def _table(name: str, pieces: Sequence[Any]) -> Table:
    if not len(pieces):
        raise ConfigError(f"{name} has no rows")
    return Table.of(name, {"notes": pieces})


def _first(time: float, frame: float) -> int:
    """Return the first frame that begins at a time or after it."""
    return math.ceil(time / frame - _NEARLY)


def _checked(roll: np.ndarray) -> np.ndarray:
    if roll.ndim != 2 or roll.shape[1] != NUM_KEYS:
        raise ValueError(f"must be an array (T, {NUM_KEYS}), got one of shape {roll.shape}")
    right = (roll == 0) | (roll == 1)
    if not right.all():
        frame, key = np.argwhere(~right)[0]
        raise ValueError(f"must hold 0 and 1 alone, got {roll[frame, key]} in frame {frame}")
    return roll.astype(np.uint8)


def _laid(frames: Any) -> np.ndarray:
    if not isinstance(frames, list):
        raise ValueError(f"must be a list of frames, each a list of MIDI numbers, got {frames!r:.60}")
    roll = np.zeros((len(frames), NUM_KEYS), np.uint8)
    for index, numbers in enumerate(frames):
        if not isinstance(numbers, list):
            raise ValueError(f"must hold a list of MIDI numbers in frame {index}, got {numbers!r:.60}")
        try:
            roll[index, [_key(number) for number in numbers]] = 1
        except ValueError as error:
            raise ValueError(f"{error} in frame {index}") from None
    return roll


def _key(number: Any) -> int:
    """Return the number of a note's key, from 0."""
    if not isinstance(number, int) or not LOWEST <= number <= HIGHEST:
        raise ValueError(f"must hold MIDI numbers from {LOWEST} to {HIGHEST}, got {number!r}")
    return number - LOWEST
