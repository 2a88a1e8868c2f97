"""Column of pieces of music, cut into windows of frames."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.media.piano_rolls import NUM_KEYS, decode_roll
from seqlab.data.table import Table
from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class PianoRolls(Column[np.ndarray]):
    """Column of pieces: uint8 `frames` `(·, 88)` of all pieces, and windows.

    Windows are int32 `(N,)` each: `starts`, the frame that is read first; `lengths`, the number of frames
    that are written; `context`, how many of those the window before wrote. Windows have T frames and overlap
    by half; the last one is moved back to end with the piece.

    Attributes:
        length: frames of a window, T.
        frame: the duration of a frame of a MIDI file, in quarter notes.
        first_frame: whether a frame of silence is before each piece, so that its first frame is predicted.
            Without it, a piece of one frame is left out.
    """

    length: int
    frame: float
    first_frame: bool

    def read(self, table: Table) -> list[np.ndarray]:
        return table.decoded(self.name, lambda value: decode_roll(value, self.frame))

    def identity(self, value: np.ndarray) -> str:
        return hashlib.sha256(value.tobytes()).hexdigest()

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        silence = np.zeros((int(self.first_frame), NUM_KEYS), np.uint8)
        arrays = {}
        for name, table in tables.items():
            pieces = [np.concatenate([silence, piece]) for piece in table.columns[self.key]]
            pieces = [piece for piece in pieces if len(piece) > 1]
            if not pieces:
                raise ConfigError(f"{table.name}: with task.first_frame=false a piece needs two frames")
            arrays[name] = _windows(pieces, self.length)
        return arrays


def _windows(pieces: Sequence[np.ndarray], length: int) -> dict[str, np.ndarray]:
    frames, starts, lengths, context, offset = [], [], [], [], 0
    for piece in pieces:
        last = max(0, len(piece) - 1 - length)
        begins = np.append(np.arange(0, last, max(1, length // 2)), last)
        frames.append(piece)
        starts.append(offset + begins)
        lengths.append(np.full(len(begins), min(length, len(piece) - 1)))
        context.append(np.append(0, length - np.diff(begins)))
        offset += len(piece)
    windows = {"starts": starts, "lengths": lengths, "context": context}
    joined = {name: np.concatenate(parts).astype(np.int32) for name, parts in windows.items()}
    return {"frames": np.concatenate(frames), **joined}
