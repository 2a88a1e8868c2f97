"""Reader of `.mat` files of piano rolls, with their splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqlab.data.table import Table
from seqlab.types import ConfigError

MAT = {"train": "traindata", "validation": "validdata", "test": "testdata"}
"""The variable of a `.mat` file that holds each split."""


def read_mat(path: Path) -> dict[str, Table]:
    """Read the splits of a `.mat` file: cells of arrays `(T, 88)`, in the variables that `MAT` names.

    Raises:
        ConfigError: the file is missing or not a MATLAB file, or has no `traindata`.

    Source: the layout of the data sets JSB Chorales, Piano-midi.de, Nottingham and MuseData of
        N. Boulanger-Lewandowski et al. (ICML 2012), as they are passed around.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise ConfigError(f"task.source={path} does not exist")
    try:
        found = loadmat(path, variable_names=list(MAT.values()))
    except Exception as error:  # the reader raises many kinds for a broken file
        raise ConfigError(f"{path} cannot be read: {str(error).strip().splitlines()[0]}") from error
    cells = {split: found[name].ravel() for split, name in MAT.items() if name in found}
    if "train" not in cells:
        raise ConfigError(f"{path} has no variable {MAT['train']}")
    return {split: _table(f"{path} ({MAT[split]})", pieces) for split, pieces in cells.items()}


def _table(name: str, pieces: Sequence[Any]) -> Table:
    if not len(pieces):
        raise ConfigError(f"{name} has no rows")
    return Table.of(name, {"notes": pieces})
