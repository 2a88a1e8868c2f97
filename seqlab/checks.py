"""Checks of an object's fields, whose messages name the field and the legal values.

`registry.blame` puts the config group before the field's name.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from seqlab.near_misses import near_miss


def require_positive(owner: object, *names: str) -> None:
    """Raise ValueError where a named field of `owner` is not a positive integer of 32 bits."""
    for name in names:
        if not _is_integer(value := getattr(owner, name)) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}{_whole(value)}")
        _require_int32(name, value)


def require_count(owner: object, *names: str) -> None:
    """Raise ValueError where a named field of `owner` is not a non-negative integer of 32 bits."""
    for name in names:
        if not _is_integer(value := getattr(owner, name)) or value < 0:
            raise ValueError(f"{name} must be a non-negative integer, got {value!r}{_whole(value)}")
        _require_int32(name, value)


def require_choice(owner: object, name: str, legal: Sequence[object]) -> None:
    """Raise ValueError where a named field of `owner` is not one of the legal values."""
    if (value := getattr(owner, name)) not in legal:
        names = ["null" if one is None else str(one) for one in legal]
        hint = near_miss(value, names) if isinstance(value, str) else ""
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}{hint}")


def require_number(owner: object, name: str, low: float = -math.inf, high: float = math.inf) -> None:
    """Raise ValueError where a named field of `owner` is not a finite number in [low, high).

    An array is accepted: it is traced, and its numbers were checked before tracing.
    """
    value = getattr(owner, name)
    if _is_array(value):
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value < high:
        interval = "a finite number" if math.isinf(low) else f"a finite number, at least {low:g}"
        interval += "" if math.isinf(high) else f" and below {high:g}"
        raise ValueError(f"{name} must be {interval}, got {value!r}{near_miss(str(value), ['null'])}")


def require_bool(owner: object, *names: str) -> None:
    """Raise ValueError where a named field of `owner` is not true or false."""
    for name in names:
        if not isinstance(value := getattr(owner, name), bool):
            raise ValueError(f"{name} must be true or false, got {value!r}")


def _is_array(value: object) -> bool:
    """Return whether a value is an array of JAX, whose import takes a second."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def _require_int32(name: str, value: int) -> None:
    if value >= 2**31:
        raise ValueError(f"{name} must be below 2**31, got {value}")


def _whole(value: object) -> str:
    """Return how an integer that was written as another number is written, such as 1e4; empty for others."""
    if isinstance(value, float) and value > 0 and value.is_integer():
        return f" (did you mean {int(value)}?)"
    return ""


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def own_attribute(value: object, name: str) -> object:
    """Return an attribute that the class of a value defines in its own body; None where it inherits it.

    So a subclass that computes something else does not pass for its base.
    """
    return getattr(value, name, None) if name in vars(type(value)) else None
