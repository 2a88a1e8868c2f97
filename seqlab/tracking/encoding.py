"""JSON encoding of metrics: arrays as lists, non-finite numbers as strings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_NONFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_plain(value: Any) -> Any:
    """Turn arrays into lists and array scalars into numbers, at any depth of dicts and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def to_json(value: Any, indent: int | None = None) -> str:
    """Encode a value as JSON: arrays as lists, non-finite numbers as "nan", "inf" and "-inf".

    Args:
        value: numbers, strings, None, arrays, and dicts and lists of these.
        indent: spaces per nesting level; None for a single line.

    Raises:
        TypeError: for a value of any other type.
    """
    return json.dumps(_nonfinite_as_text(to_plain(value)), indent=indent, allow_nan=False)


def from_json(text: str) -> Any:
    """Decode the output of `to_json`; "nan", "inf" and "-inf" become floats.

    Raises:
        json.JSONDecodeError: the text is not JSON.
    """
    return _text_as_nonfinite(json.loads(text))


def _nonfinite_as_text(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _map_items(_nonfinite_as_text, value)


def _text_as_nonfinite(value: Any) -> Any:
    if isinstance(value, str):
        return _NONFINITE.get(value, value)
    return _map_items(_text_as_nonfinite, value)


def _map_items(function: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: function(item) for key, item in value.items()}
    if isinstance(value, list):
        return [function(item) for item in value]
    return value
