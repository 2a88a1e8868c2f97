"""Artifacts of an earlier run: what gives numbers their meaning, as it was or with new symbols."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.types import ConfigError

GROWING = "growing:"
"""What the name of artifacts begins with that grow; a digest of their content follows."""

_HELD: dict[str, dict[str, Any]] = {}


def load_artifacts(vocabulary: str | None) -> dict[str, Any] | None:
    """Return the artifacts that an earlier run stored; None where there are none.

    Args:
        vocabulary: the file, or the name that `hold_to_grow` returned.

    Raises:
        ConfigError: there is no such file, or it does not hold artifacts.
    """
    if vocabulary is None:
        return None
    if vocabulary in _HELD:
        return dict(_HELD[vocabulary])
    try:
        return dict(json.loads(Path(vocabulary).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"task.vocabulary={vocabulary} cannot be read: {error}") from error


def hold_to_grow(artifacts: Mapping[str, Any]) -> str:
    """Keep artifacts until this process ends, and return the name under which a task grows them.

    Equal artifacts have the same name, so that runs which begin from them share arrays and compiled programs.
    """
    digest = hashlib.sha256(json.dumps(artifacts, sort_keys=True).encode()).hexdigest()
    name = f"{GROWING}{digest[:16]}"
    _HELD[name] = dict(artifacts)
    return name


def grows(vocabulary: str | None) -> bool:
    """Return whether symbols of the training split that the artifacts lack are appended to them."""
    return vocabulary is not None and vocabulary.startswith(GROWING)


def appended(old: Sequence[Any], fitted: Sequence[Any]) -> list[Any]:
    """Return the old symbols in their order, then those of the fitted ones that are new."""
    known = set(old)
    return [*old, *(symbol for symbol in fitted if symbol not in known)]
