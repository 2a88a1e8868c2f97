"""Decoder of sound files."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqlab.data.media.files import file_of
from seqlab.registry import import_extra


def decode_sound(value: Any, rate: int) -> np.ndarray:
    """Return a sound as float32 `(N,)` in [−1, 1], the mean of its channels.

    Args:
        value: a path, or `{"bytes": …, "path": …}` as the hub holds a file.
        rate: the sampling rate that it must have, in Hz.

    Raises:
        ValueError: it is not a sound, has no samples or another rate, or is not finite; the message does not
            name the file.
    """
    soundfile = import_extra("soundfile")
    try:
        samples, found = soundfile.read(file_of(value), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"is no sound: {error.error_string}") from error
    if found != rate:
        raise ValueError(f"has {found} samples a second, not task.rate={rate}")
    if not len(samples):
        raise ValueError("is a sound without samples")
    if not np.isfinite(samples).all():
        raise ValueError("has a sample that is not a finite number")
    return samples.mean(axis=1)
