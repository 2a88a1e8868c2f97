"""Arrays of rows that stay on disk, mapped into memory, and are read row by row."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping

import numpy as np

from seqlab.data.columns.column import Arrays
from seqlab.types import ConfigError

SHARE_OF_FREE_MEMORY = 0.25
"""The share of the free memory that the arrays of a source may take where no limit is given."""


def free_bytes() -> int:
    """Return the free memory of this machine."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def map_large(arrays: Mapping[str, Arrays], limit: int | None) -> dict[str, Arrays]:
    """Return the arrays of a source; where they are larger than a limit, its rows as `numpy.memmap`.

    Arrays of one number a row stay in memory. The files lie in the folder for temporary files (`TMPDIR`).

    Args:
        arrays: the arrays by split and name.
        limit: in bytes; None for a quarter of the free memory.

    Raises:
        ConfigError: the limit is not a count.
    """
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ConfigError(f"task.resident_bytes must be a count of bytes or null, got {limit}")
    total = sum(array.nbytes for part in arrays.values() for array in part.values())
    if total <= (SHARE_OF_FREE_MEMORY * free_bytes() if limit is None else limit):
        return dict(arrays)
    return {
        split: {name: _mapped(array) if array.ndim > 1 else array for name, array in part.items()}
        for split, part in arrays.items()
    }


def _mapped(array: np.ndarray) -> np.ndarray:
    """Write an array to a temporary file and map it.

    The file has no name any more, so that it is gone with the array, even where the process is killed.
    """
    with tempfile.TemporaryFile(prefix="seqlab-rows-") as file:
        array.tofile(file)
        return np.memmap(file, array.dtype, "r", shape=array.shape)
