"""Columns of images and of clips."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.media.clips import decode_clip
from seqlab.data.media.images import decode_image
from seqlab.data.padding import pad
from seqlab.data.splits import digest
from seqlab.data.table import Table


@dataclasses.dataclass(frozen=True)
class ImageSize:
    """The size to which images are resized.

    Attributes:
        height: in pixels, H.
        width: in pixels, W.
        channels: C, 1 for grey, 3 for red, green and blue.
    """

    height: int
    width: int
    channels: int

    def decode(self, value: Any) -> np.ndarray:
        """Return an image as float32 `(H, W, C)` in [0, 1].

        Raises:
            ValueError: it is not an image; the message does not name the file.
        """
        return decode_image(value, self.height, self.width, self.channels)


@dataclasses.dataclass(frozen=True)
class Images(Column[np.ndarray]):
    """Column of images: uint8 `images` `(N, H, W, C)`.

    Attributes:
        size: of the images.
    """

    size: ImageSize

    def read(self, table: Table) -> list[np.ndarray]:
        images = table.decoded(self.name, self.size.decode)
        return [np.rint(255 * image).astype(np.uint8) for image in images]

    def identity(self, value: np.ndarray) -> str:
        return hashlib.sha256(value.tobytes()).hexdigest()

    def counts(self, values: Sequence[np.ndarray]) -> Mapping[str, int]:
        return {"constant": count} if (count := sum(not np.ptp(image) for image in values)) else {}

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        return {name: {"images": np.stack(table.columns[self.key])} for name, table in tables.items()}


@dataclasses.dataclass(frozen=True)
class Clips(Column[np.ndarray]):
    """Column of clips: float32 `frames` `(N, T, H, W, C)` in [0, 1], and int32 `lengths` `(N,)`.

    T is `length`, or the length of the longest clip where that is less.

    Attributes:
        size: of the frames; arrays may have any number of channels.
        length: the number of frames that are read of a clip at most.
        lengths: the column of the number of real frames, where clips are padded; None where all are real.
    """

    size: ImageSize
    length: int
    lengths: str | None

    def require(self, table: Table) -> None:
        super().require(table)
        if self.lengths:
            table.require(lengths=self.lengths)

    def read(self, table: Table) -> list[np.ndarray]:
        size = self.size
        clips = table.decoded(
            self.name, lambda value: decode_clip(value, size.height, size.width, size.channels)
        )
        if self.lengths:
            ends = table.counts(self.lengths, [len(clip) for clip in clips])
            clips = [clip[:end] for clip, end in zip(clips, ends, strict=True)]
        return clips

    def identity(self, value: np.ndarray) -> str:
        return digest(value)

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        longest = max(len(clip) for table in tables.values() for clip in table.columns[self.key])
        arrays = {}
        for name, table in tables.items():
            frames, lengths = pad(table.columns[self.key], min(self.length, longest))
            arrays[name] = {"frames": frames, "lengths": lengths}
        return arrays

    def cut(self, values: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([len(clip) > self.length for clip in values], bool)
