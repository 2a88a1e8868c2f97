"""Decoder of clips: sequences of images, from a folder, a list of files or an array."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.media.files import COLUMN_OF_SUFFIX, is_hidden
from seqlab.data.media.images import decode_image


def decode_clip(value: Any, height: int, width: int, channels: int) -> np.ndarray:
    """Return a clip as float32 `(T, height, width, channels)` in [0, 1], resized where its size differs.

    Args:
        value: a folder whose images are the frames, in the order of their names; a list of files as
            `decode_image` takes them; or an array `(T, H, W)` or `(T, H, W, C)`, of bytes or of numbers in
            [0, 1].
        height: in pixels.
        width: in pixels.
        channels: 1 for grey, 3 for red, green and blue; an array may have any number of channels.

    Raises:
        ValueError: it has no frame, or a frame that is not an image; the message does not name the clip.
    """
    if isinstance(value, np.ndarray):
        return _resized(_unit_range(value, channels), height, width)
    if channels not in (1, 3):
        raise ValueError(f"is made of images, which need task.channels=1 or 3, not {channels}")
    decoded = []
    for name, frame in _files(value):
        try:
            decoded.append(decode_image(frame, height, width, channels))
        except ValueError as error:
            raise ValueError(f"has a frame {name} that {error}") from error
    if not decoded:
        raise ValueError("has no frame")
    return np.stack(decoded)


def _files(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the files of the frames, each with its name for messages."""
    if isinstance(value, Path):
        for path in sorted(value.iterdir()):
            if COLUMN_OF_SUFFIX.get(path.suffix.lower()) == "image" and not is_hidden(path):
                yield path.name, path
    elif isinstance(value, list):
        yield from ((str(number), frame) for number, frame in enumerate(value, 1))
    else:
        raise ValueError(f"must be a list of images or an array, got {value!r:.60}")


def _unit_range(frames: np.ndarray, channels: int) -> np.ndarray:
    """Return an array as float32 `(T, H, W, C)` in [0, 1]."""
    if frames.ndim == 3:
        frames = frames[..., None]
    if frames.ndim != 4 or frames.shape[-1] != channels:
        raise ValueError(f"must be (T, H, W) or (T, H, W, C) with {channels} channels, got {frames.shape}")
    if not frames.size:
        raise ValueError("has no frame")
    if frames.dtype == np.uint8:
        return frames.astype(np.float32) / 255
    if frames.dtype.kind not in "biuf":
        raise ValueError(f"must hold bytes, or numbers from 0 to 1, got {frames.dtype}")
    outside = ~((frames >= 0) & (frames <= 1))  # true for NaN too
    if outside.any():
        at = tuple(np.argwhere(outside)[0])
        raise ValueError(f"must hold bytes, or numbers from 0 to 1, got {frames[at]} in frame {at[0] + 1}")
    return frames.astype(np.float32)


def _resized(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    if frames.shape[1:3] == (height, width):
        return frames
    from PIL import Image

    planes = np.moveaxis(frames, -1, 1).reshape(-1, *frames.shape[1:3])
    images = (Image.fromarray(plane) for plane in planes)
    resized = [np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)) for image in images]
    return np.moveaxis(np.stack(resized).reshape(len(frames), -1, height, width), 1, -1)
