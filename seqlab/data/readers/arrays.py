"""Reader of `.npz` files of NumPy: each array is a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.table import Table


def read_arrays(path: Path) -> Table:
    """Read an `.npz` file; each array is a column, each step along its first axis a row.

    Raises:
        ValueError: the arrays have different numbers of rows, or none.
    """
    with np.load(path, allow_pickle=False) as file:
        columns: dict[str, Any] = {name: np.atleast_1d(file[name]) for name in file.files}
    counts = {name: len(values) for name, values in columns.items()}
    if len(set(counts.values())) != 1 or not max(counts.values()):
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise ValueError(f"its arrays must have as many rows, at least one, got {found or 'no array'}")
    return Table.of(str(path), columns)
