"""Names of tasks."""

from __future__ import annotations

import re


def snake_case(name: str) -> str:
    """Return the name of a class, such as `CopyMemory`, in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
