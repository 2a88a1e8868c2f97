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


def require_ending(path: Path | None, legal: Sequence[str] = ENDINGS) -> None:
    """Raise ConfigError where a file to be written has no legal ending, or its folder does not exist."""
    if path is None:
        return
    if path.suffix not in legal:
        raise ConfigError(f"{path}: legal endings are {', '.join(legal)}")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: the folder {path.parent} does not exist")


def write_frame(frame: Any, path: Path | None) -> None:
    """Write a frame by the ending of a file, or as csv on standard output for None."""
    if path is None:
        print(frame.to_csv(index=False), end="")
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        frame.to_parquet(path, index=False)
