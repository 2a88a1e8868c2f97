"""Media files: the column of each kind, and how a value is opened."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLUMN_OF_SUFFIX = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg", ".mp3"), "audio"),
    **dict.fromkeys((".mid", ".midi"), "notes"),
}
"""The column that a file of a folder goes into, by its ending."""

_HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")
"""What systems leave in folders, beside names that begin with a dot."""


def is_hidden(path: Path) -> bool:
    """Say whether a file or folder is left by a system, such as `.ipynb_checkpoints` or `._a.png`."""
    return path.name.startswith(".") or path.name in _HIDDEN


def file_of(value: Any) -> Path | io.BytesIO:
    """Return the file that a value stands for, to be opened.

    Args:
        value: a path, or `{"bytes": …, "path": …}` as the hub holds a file.

    Raises:
        ValueError: it is neither, or there is no such file; the message does not name the file.
    """
    if isinstance(value, Mapping):
        if value["bytes"] is not None:
            return io.BytesIO(value["bytes"])
        value = value["path"]
    if not isinstance(value, (str, Path)):
        raise ValueError(f"must be a file, got {value!r:.60}")
    if not Path(value).is_file():
        raise ValueError("does not exist")
    return Path(value)
