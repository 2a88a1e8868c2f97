"""Tables and pictures that commands write: by the ending of a file, or on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqlab.types import ConfigError

ENDINGS = (".csv", ".jsonl", ".parquet")
"""The endings of a table that is written."""
PICTURES = (".png", ".svg", ".pdf")
"""The endings of a picture that is written."""


def require_ending(path: Path | None, legal: Sequence[str] = ENDINGS, read: Path | None = None) -> None:
    """Refuse a file to be written.

    Args:
        path: the file; None where nothing is to be written.
        legal: the endings that it may have.
        read: the file that the command reads, which is not replaced.

    Raises:
        ConfigError: it has another ending, its folder does not exist, or it is a folder or the file read.
    """
    if path is None:
        return
    if path.suffix not in legal:
        raise ConfigError(f"{path}: legal endings are {', '.join(legal)}")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder: legal is the name of a file")
    if read is not None and path.resolve() == read.resolve():
        raise ConfigError(f"{path} is the file that is read: legal is another one")


def write_frame(frame: Any, path: Path | None) -> None:
    """Write a frame by the ending of a file, or as csv on standard output for None.

    Raises:
        ConfigError: the file cannot be written.
    """
    if path is None:
        print(frame.to_csv(index=False), end="")
        return
    try:
        if path.suffix == ".csv":
            frame.to_csv(path, index=False)
        elif path.suffix == ".jsonl":
            frame.to_json(path, orient="records", lines=True, force_ascii=False)
        else:
            frame.to_parquet(path, index=False)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
