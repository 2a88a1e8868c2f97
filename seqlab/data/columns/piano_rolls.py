"""Column of pieces of music, cut into windows of frames."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.media.piano_rolls import NUM_KEYS, decode_roll
from seqlab.data.table import Table


@dataclasses.dataclass(frozen=True)
class PianoRolls(Column[np.ndarray]):
    """Column of pieces: uint8 `frames` `(·, 88)` of all pieces, a frame of silence before each, and windows.

    Windows are int32 `(N,)` each: `starts`, the frame that is read first; `lengths`, the number of frames
    that are written; `context`, how many of those the window before wrote. Windows have T frames and overlap
    by half; the last one is moved back to end with the piece.

    Attributes:
        length: frames of a window, T.
        frame: the duration of a frame of a MIDI file, in quarter notes.
    """

    length: int
    frame: float

    def read(self, table: Table) -> list[np.ndarray]:
        return table.decoded(self.name, lambda value: decode_roll(value, self.frame))

    def identity(self, value: np.ndarray) -> str:
        return hashlib.sha256(value.tobytes()).hexdigest()

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        return {name: _windows(table.columns[self.key], self.length) for name, table in tables.items()}


def _windows(pieces: Sequence[np.ndarray], length: int) -> dict[str, np.ndarray]:
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
