"""Sequences of unlike lengths as one padded array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cut_to_length(sequences: Sequence[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay sequences of tokens or of vectors side by side, each cut to its first T and followed by zeros.

    Returns:
        `(N, T)` or `(N, T, F)`, of the sequences' type; and int32 `(N,)`, how many steps of each are real.
    """
    laid = np.zeros((len(sequences), length, *sequences[0].shape[1:]), sequences[0].dtype)
    lengths = np.array([min(len(sequence), length) for sequence in sequences], np.int32)
    for row, sequence, end in zip(laid, sequences, lengths, strict=True):
        row[:end] = sequence[:end]
    return laid, lengths
