"""Padding of sequences of different lengths to one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pad(sequences: Sequence[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut each sequence to its first T steps and pad it with zeros to T steps.

    Args:
        sequences: at least one array; arrays have shape `(·,)` or `(·, …)` with equal later axes.
        length: T.

    Returns:
        The padded array `(N, T)` or `(N, T, …)`, of the sequences' dtype, and the lengths, int32 `(N,)`.
    """
    padded = np.zeros((len(sequences), length, *sequences[0].shape[1:]), sequences[0].dtype)
    lengths = np.array([min(len(sequence), length) for sequence in sequences], np.int32)
    for row, sequence, end in zip(padded, sequences, lengths, strict=True):
        row[:end] = sequence[:end]
    return padded, lengths
