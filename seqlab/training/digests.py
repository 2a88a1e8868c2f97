"""Digests of the files of a checkpoint, by which damage is noticed before anything is read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from seqlab.tracking import write_atomically

FILE = "digests.json"
"""The file of a checkpoint with the SHA-256 digest of every other file, by its path."""


def write_digests(checkpoint: Path) -> None:
    """Write the digests of a checkpoint that is complete."""
    write_atomically(checkpoint / FILE, json.dumps(_digests(checkpoint), indent=1) + "\n")


def damage_of(checkpoint: Path) -> str | None:
    """Return in one line which file is not as it was written; None where all are.

    A checkpoint has no digests if an older version of seqlab saved it, or if a kill came right after it was
    saved. It then counts as whole, and reading it shows the rest.
    """
    try:
        wanted = json.loads((checkpoint / FILE).read_text(encoding="utf-8"))
        found = _digests(checkpoint)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    if not isinstance(wanted, dict):
        return f"{FILE} holds no digests"
    changed = [name for name in sorted(wanted.keys() | found) if wanted.get(name) != found.get(name)]
    return f"{changed[0]} is not as it was written" if changed else None


def _digests(checkpoint: Path) -> dict[str, str]:
    files = [path for path in checkpoint.rglob("*") if path.is_file() and FILE not in path.name]
    return {
        path.relative_to(checkpoint).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }
