"""Piano rolls: which keys of a piano sound in each frame of a piece."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.media.midi import Note, read_midi

LOWEST, HIGHEST = 21, 108
"""The MIDI numbers of the first and the last key of a piano, A0 and C8."""
NUM_KEYS = HIGHEST - LOWEST + 1
_TOLERANCE = 1e-6
"""The rounding error, in frames, of times that floats cannot hold exactly."""


def roll_of(notes: Iterable[Note], frame: float) -> np.ndarray:
    """Return which keys sound when each frame begins: those with begin ≤ t · frame < end.

    Args:
        notes: in any order.
        frame: the duration of a frame, in quarter notes.

    Returns:
        uint8 `(T, 88)`; T is the number of frames until the last note ends.

    Raises:
        ValueError: a note that a piano does not have.
    """
    spans = [(_key(note.number), *(_first_frame(t, frame) for t in (note.begin, note.end))) for note in notes]
    roll = np.zeros((max((end for _, _, end in spans), default=0), NUM_KEYS), np.uint8)
    for key, begin, end in spans:
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
    """Return a piece as uint8 `(T, 88)`, without the silence after its last note.

    Args:
        value: an array `(T, 88)` of 0 and 1; a list of frames, each a list of MIDI numbers; or the path of a
            MIDI file.
        frame: the duration of a frame of a MIDI file, in quarter notes.

    Raises:
        ValueError: it is none of these, holds a note that a piano does not have, or no note; the message does
            not name the piece.
    """
    if isinstance(value, Path):
        roll = roll_of(read_midi(value), frame)
    else:
        roll = _checked(value) if isinstance(value, np.ndarray) else _roll_of_lists(value)
    sounding = np.flatnonzero(roll.any(axis=1))
    if not len(sounding):
        raise ValueError("has no note")
    return roll[: sounding[-1] + 1]


def _first_frame(time: float, frame: float) -> int:
    """Return the first frame that begins at a time or after it."""
    return math.ceil(time / frame - _TOLERANCE)


def _checked(roll: np.ndarray) -> np.ndarray:
    if roll.ndim != 2 or roll.shape[1] != NUM_KEYS:
        raise ValueError(f"must be an array (T, {NUM_KEYS}), got one of shape {roll.shape}")
    legal = (roll == 0) | (roll == 1)
    if not legal.all():
        frame, key = np.argwhere(~legal)[0]
        raise ValueError(f"must hold 0 and 1 alone, got {roll[frame, key]} in frame {frame}")
    return roll.astype(np.uint8)


def _roll_of_lists(frames: Any) -> np.ndarray:
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
    """Return the index of a note's key, from 0."""
    if not isinstance(number, int) or not LOWEST <= number <= HIGHEST:
        raise ValueError(f"must hold MIDI numbers from {LOWEST} to {HIGHEST}, got {number!r}")
    return number - LOWEST
