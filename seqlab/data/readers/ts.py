"""Reader of `.ts` files: time series with a class each, as the UCR and UEA archives hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqlab.data.readers.text import lines_of, read_text
from seqlab.data.table import Table

_NO_CLASS = "it has no line @classLabel true with the names of the classes"


def read_ts(path: Path) -> Table:
    """Read the columns `series`, float64 `(T, F)` a row, and `label`.

    Lines that begin with @ describe the file, among them the classes, up to the line @data. Every later line
    is a row: its dimensions and its class, separated by colons. The values of a dimension are separated by
    commas; a question mark is a missing value and becomes NaN. Lines that begin with # are comments.

    Raises:
        ValueError: the file does not have this form, with the number of the line; or its steps have time
            stamps.

    Source: A. Bagnall et al., "The UEA multivariate time series classification archive, 2018",
        arXiv:1811.00075.
    """
    series: list[np.ndarray] = []
    labels: list[int] = []
    names: list[str] = []
    in_data = False
    for number, line in enumerate(lines_of(read_text(path)), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if in_data:
            *dimensions, name = line.strip().split(":")
            if name not in names:
                raise ValueError(f"line {number}: {name!r} is none of its classes: {', '.join(names)}")
            labels.append(names.index(name))
            series.append(_steps(dimensions, number))
            continue
        key, *words = line.split()
        if key.lower() == "@timestamps" and words == ["true"]:
            raise ValueError(f"line {number}: steps with time stamps are not supported")
        if key.lower() == "@classlabel" and words[:1] == ["true"]:
            names = words[1:]
        in_data = key.lower() == "@data"
        if in_data and not names:
            raise ValueError(_NO_CLASS)
    if not series:
        raise ValueError("it has no rows")
    return Table.of(str(path), {"series": series, "label": labels}, {"label": names})


def _steps(dimensions: list[str], number: int) -> np.ndarray:
    """Return the steps of a row, `(T, F)`, from the texts of its dimensions."""
    try:
        values = [[float(v.replace("?", "nan")) for v in text.split(",")] for text in dimensions]
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if len({len(dimension) for dimension in values}) != 1:
        raise ValueError(f"line {number}: the dimensions of a row must have one length")
    return np.array(values).T
