"""How is a `.ts` file read? Series with a class each, as the archives of time series hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqlab.data.table import Table

_NO_CLASS = "it has no line @classLabel true with the names of the classes"


def read_ts(path: Path) -> Table:
    """Read the columns `series`, float64 `(T, F)` a row, and `label`.

    Lines that begin with @ tell of the file, among them the classes, as far as @data. Every line after that
    is a row: its dimensions and its class, between colons; the values of a dimension between commas, a
    question mark for one that is missing, which becomes NaN. Lines that begin with # are comments.

    Raises:
        ValueError: the file is not of this form, with the line; or its steps have times of their own.

    Source: A. Bagnall et al., "The UEA multivariate time series classification archive, 2018",
        arXiv:1811.00075.
    """
    series: list[np.ndarray] = []
    labels: list[int] = []
    names: list[str] | None = None
    begun = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if begun:
            *dimensions, name = line.strip().split(":")
            if name not in names:
                raise ValueError(f"line {number}: {name!r} is none of its classes: {', '.join(names)}")
            labels.append(names.index(name))
            series.append(_steps(dimensions, number))
            continue
        key, *words = line.split()
        if key.lower() == "@timestamps" and words == ["true"]:
            raise ValueError(f"line {number}: steps with times of their own are not read")
        if key.lower() == "@classlabel" and words[:1] == ["true"]:
            names = words[1:]
        begun = key.lower() == "@data"
        if begun and not names:
            raise ValueError(_NO_CLASS)
    if not series:
        raise ValueError("it has no rows")
    return Table.of(str(path), {"series": series, "label": labels}, label=names)


def _steps(dimensions: list[str], number: int) -> np.ndarray:
    """Return the steps of a row, `(T, F)`, from its dimensions as they are written."""
    try:
        values = [[float(v.replace("?", "nan")) for v in written.split(",")] for written in dimensions]
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if len({len(dimension) for dimension in values}) != 1:
        raise ValueError(f"line {number}: before the class must be dimensions of one length")
    return np.array(values).T
