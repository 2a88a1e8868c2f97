"""Notes about data that a user should know before a run starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.data.splits import SHARES

_LEAST = 0.01
"""The share of the data above which something is worth a note."""
_COUNTS = {
    "duplicates": "rows are duplicates and used once",
    "dropped": "rows have no labels and are left out",
    "cut": "examples are longer than the task reads, and lose their end",
    "constant": "examples have one value throughout, such as images of one colour",
}


def data_notes(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line for everything that concerns more than 1 % of the data.

    Args:
        summary: what `Task.data_summary` returns.
    """
    kept = sum(summary.get(split, 0) for split in SHARES)
    of_rows = kept + summary.get("duplicates", 0) + summary.get("dropped", 0)
    notes = [
        f"{count:,} of {of_rows:,} {words}"
        for name, words in _COUNTS.items()
        if (count := summary.get(name, 0)) > _LEAST * of_rows
    ]
    for column, shares in summary.get("unknown", {}).items():
        for split, share in shares.items():
            if share > _LEAST:
                notes.append(f"{share:.1%} of the tokens of {column} in {split} are unknown")
    return tuple(notes)
