"""Reader of one file as a table, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seqlab.data.readers.arff import read_arff
from seqlab.data.readers.arrays import read_arrays
from seqlab.data.readers.conll import read_conll, read_conllu
from seqlab.data.readers.datasets import read_feather, read_parquet
from seqlab.data.readers.delimited import read_csv, read_tsv
from seqlab.data.readers.json_rows import read_json, read_jsonl
from seqlab.data.readers.lines import read_lines
from seqlab.data.readers.spreadsheet import read_xlsx
from seqlab.data.readers.ts import read_ts
from seqlab.data.table import Table
from seqlab.registry import bind, choices, settings_of
from seqlab.types import ConfigError

_TEXTS: dict[str, Callable[[Path], Table]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".txt": read_lines,
    ".conll": read_conll,
    ".conllu": read_conllu,
    ".ts": read_ts,
    ".arff": read_arff,
}
"""The readers of text files, which may be packed as `.csv.gz` and so on."""
_READERS: dict[str, Callable[[Path], Table]] = {
    **_TEXTS,
    ".parquet": read_parquet,
    ".feather": read_feather,
    ".xlsx": read_xlsx,
    ".npz": read_arrays,
}

REMEDIES = {
    ".tsf": 'write its series as lists into a .jsonl file, {"value": [1.0, 2.0]} on each line',
    ".npy": "save it as a column of an .npz file: numpy.savez(PATH, series=array, label=labels)",
    ".xls": "save it as .xlsx",
    ".ods": "save it as .xlsx or .csv",
    ".pkl": "save it as .parquet, or give the data in Python",
    ".h5": "save its arrays as columns of an .npz file",
    ".hdf5": "save its arrays as columns of an .npz file",
    ".md": "name it .txt",
    ".rst": "name it .txt",
    ".zip": "unpack it",
}
"""What to do with a file of a kind that is not read."""


def suffixes() -> tuple[str, ...]:
    """Return the endings that can be read: ours, and those of plug-ins (`conf/reader/ENDING.yaml`).

    A `.mat` file is a whole source, with splits (`readers.mat`).
    """
    ours = (*_READERS, ".mat")
    return (*ours, *(f".{name}" for name in choices("reader") if f".{name}" not in ours))


def ending(path: Path) -> str:
    """Return the ending of a file's name in small letters, that before `.gz` where the file is packed."""
    suffix = path.suffix.lower()
    if suffix == ".gz" and (packed := Path(path.stem).suffix.lower()) in _TEXTS:
        return packed
    return suffix


def stem(path: Path) -> str:
    """Return the name of a file without its ending."""
    return path.name[: path.name.lower().rindex(ending(path))]


def read_file(path: Path) -> Table:
    """Read a file by the reader of its ending.

    Raises:
        ConfigError: the file is missing, broken, empty, in another encoding, or of another kind.
    """
    kind = ending(path)
    if kind not in (known := suffixes()):
        legal = ", ".join(known)
        remedy = f"{REMEDIES[kind]}; " if kind in REMEDIES else ""
        raise ConfigError(
            f"task.source={path} cannot be read: {remedy}legal endings are {legal}; text may be .gz"
        )
    if not path.is_file():
        raise ConfigError(f"task.source={path} does not exist")
    if kind == ".mat":
        raise ConfigError(f"{path} holds all splits: set task.source={path}")
    try:
        if not path.stat().st_size:
            raise ValueError("it has no rows")
        if kind in _READERS:
            return _READERS[kind](path)
        return Table.of(str(path), bind(settings_of("reader", kind[1:]), f"reader.{kind[1:]}")(path))
    except ConfigError:
        raise
    except Exception as error:  # each library has its own; the deepest cause says what is wrong
        while error.__cause__ is not None:
            error = error.__cause__
        raise ConfigError(f"{path} cannot be read: {str(error).strip().splitlines()[0]}") from error
