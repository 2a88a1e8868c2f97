"""Raw values as the inputs of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqlab.types import ConfigError, Spec, Tokens, Transcript


def as_inputs(value: Any, spec: Spec) -> np.ndarray:
    """Return numbers as the inputs of one example, without the batch axis.

    Args:
        value: an array, or nested lists of numbers: a value for each position.
        spec: what one position holds.

    Returns:
        int32 or float32, of the shape of one position or with a leading axis T.

    Raises:
        ConfigError: they are no numbers, or not those of the spec.
    """
    is_tokens = isinstance(spec, (Tokens, Transcript))
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = np.full((), np.nan)
    form = " × ".join(map(str, ("T", *spec.shape)))
    leading = array.ndim - len(spec.shape)
    if leading not in (0, 1) or array.shape[leading:] != spec.shape:
        raise ConfigError(f"prompt must hold {form} numbers, got {described(value)}")
    if not array.size or not np.isfinite(array).all():
        raise ConfigError(f"prompt must hold finite numbers, at least one, got {described(value)}")
    if not is_tokens:
        return array.astype(np.float32)
    if (array != np.rint(array)).any() or array.min() < 0 or array.max() >= spec.size:
        raise ConfigError(f"prompt must hold integers from 0 to {spec.size - 1}, got {described(value)}")
    return array.astype(np.int32)


def numbers_text(values: Any) -> str:
    """Return numbers `(T,)` as a text in which spaces separate them, exactly.

    Raises:
        ConfigError: they are no numbers of one axis.
    """
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        array = np.zeros(())
    if array.ndim != 1:
        raise ConfigError(f"prompt must be numbers in order of time, got {described(values)}")
    return " ".join(repr(float(number)) for number in array)


def described(value: Any) -> str:
    """Return a value for a message: a text or a path whole, anything else cut short."""
    if isinstance(value, (str, Path)):
        return str(value)
    return f"an array {value.shape}" if hasattr(value, "shape") else f"{value!r:.60}"
