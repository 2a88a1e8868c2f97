"""Corpus of generated clips: handwritten digits that cross a canvas in one of eight directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqlab.data.splits import SHARES
from seqlab.registry import import_extra

HEADINGS = {
    "north": (-1, 0),
    "north-east": (-1, 1),
    "east": (0, 1),
    "south-east": (1, 1),
    "south": (1, 0),
    "south-west": (1, -1),
    "west": (0, -1),
    "north-west": (-1, -1),
}
"""The classes, and what each adds to row and column at every step."""
_SIDE = 16
_SHORTEST, _LONGEST = 8, 12
_COUNTS = {"train": 2000, "validation": 500, "test": 500}
_NOISE = 0.3


def moving_digits(split: str, seed: int = 0) -> dict[str, list[Any]]:
    """Move digits of 8 × 8 across a canvas of 16 × 16, one pixel a frame, in one of eight headings.

    A digit begins anywhere, and what leaves the canvas at one side enters at the other. So no single frame
    shows the heading, and a clip has the same mean frame forwards and backwards. Each pixel, from 0 to 1, has
    Gaussian noise of standard deviation 0.3. No image of a digit is in two splits.

    Args:
        split: "train", "validation" or "test".
        seed: of everything that is random.

    Returns:
        `frames` of each clip, uint8 `(T, 16, 16)` with T from 8 to 12, and its `label`.

    Source: the digits are those of the task `digits`; moving ones, N. Srivastava et al. 2015, "Unsupervised
        learning of video representations using LSTMs", arXiv:1502.04681.
    """
    digits = import_extra("sklearn.datasets").load_digits().images / 16
    draw, count = np.random.default_rng((seed, list(SHARES).index(split))), _COUNTS[split]
    canvas = np.zeros((count, _SIDE, _SIDE))
    images = images_of(split, len(digits), seed)
    canvas[:, : digits.shape[1], : digits.shape[2]] = digits[draw.choice(images, count)]
    labels = draw.integers(len(HEADINGS), size=count)
    begin = draw.integers(_SIDE, size=(count, 2))
    at = begin[:, None] + np.arange(_LONGEST)[:, None] * np.array(list(HEADINGS.values()))[labels][:, None]
    rows, columns = ((np.arange(_SIDE) - at[..., [axis]]) % _SIDE for axis in (0, 1))
    moved = canvas[np.arange(count)[:, None, None, None], rows[..., None], columns[..., None, :]]
    noisy = np.clip(moved + _NOISE * draw.standard_normal(moved.shape), 0, 1)
    frames = np.round(255 * noisy).astype(np.uint8)
    lengths = draw.integers(_SHORTEST, _LONGEST, size=count, endpoint=True)
    return {
        "frames": [clip[:length] for clip, length in zip(frames, lengths, strict=True)],
        "label": [list(HEADINGS)[label] for label in labels],
    }


def images_of(split: str, count: int, seed: int = 0) -> np.ndarray:
    """Return which of `count` images a split has: all are shuffled once and distributed by `SHARES`."""
    index = list(SHARES).index(split)
    ends = np.round(np.cumsum([0, *SHARES.values()]) * count).astype(int)
    return np.random.default_rng(seed).permutation(count)[ends[index] : ends[index + 1]]
