"""Reader of one file as a table, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seqlab.data.readers.arrays import read_arrays
from seqlab.data.readers.conll import read_conll
from seqlab.data.readers.datasets import read_dataset_file
from seqlab.data.readers.ts import read_ts
from seqlab.data.table import Table
from seqlab.registry import bind, choices, settings_of
from seqlab.types import ConfigError

_READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": read_dataset_file,
    ".tsv": read_dataset_file,
    ".jsonl": read_dataset_file,
    ".json": read_dataset_file,
    ".txt": read_dataset_file,
    ".conll": read_conll,
    ".parquet": read_dataset_file,
    ".npz": read_arrays,
    ".ts": read_ts,
}
_BINARY = (".parquet", ".npz")


def suffixes() -> tuple[str, ...]:
    """Return the endings that can be read: ours, and those of plug-ins (`conf/reader/ENDING.yaml`).

    A `.mat` file is a whole source, with splits (`readers.mat`).
    """
    ours = (*(suffix for suffix in _READERS if suffix != ".ts"), ".mat", ".ts")
    return (*ours, *(f".{name}" for name in choices("reader") if f".{name}" not in ours))


def read_file(path: Path) -> Table:
    """Read a file by the reader of its ending.

    Raises:
        ConfigError: the file is missing, broken, empty, not UTF-8, or of another kind.
    """
    if path.suffix not in (legal := suffixes()):
        raise ConfigError(f"task.source={path} cannot be read: legal endings are {', '.join(legal)}")
    if not path.is_file():
        raise ConfigError(f"task.source={path} does not exist")
    if path.suffix == ".mat":
        raise ConfigError(f"{path} holds all splits: set task.source={path}")
    if path.suffix in _READERS and path.suffix not in _BINARY:
        _require_utf8(path)
    try:
        if not path.stat().st_size:
            raise ValueError("it has no rows")
        if path.suffix in _READERS:
            return _READERS[path.suffix](path)
        ending = path.suffix[1:]
        return Table.of(str(path), bind(settings_of("reader", ending), f"reader.{ending}")(path))
    except ConfigError:
        raise
    except Exception as error:  # each library has its own; the deepest cause says what is wrong
        while error.__cause__ is not None:
            error = error.__cause__
        raise ConfigError(f"{path} cannot be read: {str(error).strip().splitlines()[0]}") from error


def _require_utf8(path: Path) -> None:
    text = path.read_bytes()
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        byte = text[error.start]
        raise ConfigError(f"{path}, line {line}: the byte 0x{byte:02x} is not UTF-8") from error
