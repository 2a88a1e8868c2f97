"""Reader of `.arff` files: tables, and the series with a class each of the UCR and UEA archives."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.readers.text import read_text
from seqlab.data.table import Table

SERIES, LABEL = "series", "label"
"""The columns that a file of series has besides its attributes."""


def read_arff(path: Path) -> Table:
    """Read a column for each attribute: float64 numbers, with NaN for `?`, or texts, with None for `?`.

    A file whose last attribute is nominal, and all others numeric, has the columns `series`, float64 `(T, 1)`
    a row, the numbers in the order of their attributes, and `label` too. So has one that holds one relational
    attribute before the nominal one, a dimension of a series in each of its rows: `series` is `(T, F)`.

    Raises:
        ValueError: the file is not of this form, or has attributes of texts, which SciPy does not read.
    """
    from scipy.io import arff  # not at the top: it is slow to import

    try:
        data, meta = arff.loadarff(io.StringIO(read_text(path)))
    except NotImplementedError as error:
        raise ValueError(f"{error}: save it as .csv") from None
    except StopIteration:
        raise ValueError("it has no line @data") from None
    except (IndexError, TypeError) as error:  # what SciPy raises for a row that does not fit its attributes
        raise ValueError(f"a row does not fit the attributes: {error}") from None
    if not len(data):
        raise ValueError("it has no rows")
    names, types = meta.names(), meta.types()
    columns: dict[str, Any] = {
        name: _texts(data[name]) if kind == "nominal" else data[name]
        for name, kind in zip(names, types, strict=True)
        if kind != "relational"
    }
    *numbers, last = types
    if numbers and last == "nominal":
        if set(numbers) == {"numeric"}:
            steps = [*np.stack([columns[name] for name in names[:-1]], axis=1)[..., None]]
            columns = {SERIES: steps, LABEL: columns[names[-1]], **columns}
        elif numbers == ["relational"]:
            steps = [np.array(row.tolist(), float).T for row in data[names[0]]]
            columns = {SERIES: steps, LABEL: columns[names[-1]], **columns}
    return Table.of(str(path), columns)


def _texts(values: np.ndarray) -> list[str | None]:
    return [None if value == b"?" else value.decode() for value in values.tolist()]
