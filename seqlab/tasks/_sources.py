"""Fields that every data task has."""

from __future__ import annotations

import dataclasses
from typing import Any


def shown_field(default: Any) -> Any:
    """Return a field of a dataclass that a task's fingerprint shows by its effect on the examples alone."""
    return dataclasses.field(default=default, metadata={"fingerprint": False})


def source_field() -> Any:
    """Return a field of a dataclass that says where data are, such as a path; None by default.

    It is not part of the task's fingerprint, which says what the data are.
    """
    return dataclasses.field(default=None, metadata={"fingerprint": False})
