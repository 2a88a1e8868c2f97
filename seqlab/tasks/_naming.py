"""Names of tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqlab.types import IncompatibleError


def snake_case(name: str) -> str:
    """Return the name of a class, such as `CopyMemory`, in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def legal_framing(framing: str | None, framings: Sequence[str], task: str) -> str:
    """Return one of a task's framings, the first for None.

    Raises:
        IncompatibleError: the framing is none of them; the message names them.
    """
    if framing is None:
        return framings[0]
    if framing not in framings:
        raise IncompatibleError(
            f"architecture={framing} does not fit task {task}: legal values are {', '.join(framings)}"
        )
    return framing
