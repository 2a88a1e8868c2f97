"""What every wrong command owes its user: one line that names the key."""

from __future__ import annotations

from collections.abc import Sequence

from seqlab.runs import build, compose_request
from seqlab.types import ConfigError

BASE = ["task=adding", "architecture=many_to_one", "training.compilation_cache=false"]


def require_line(overrides: Sequence[str]) -> None:
    """Assert that a set is legal, or that the one line of its refusal names one of its keys or its text."""
    try:
        build(compose_request([*BASE, *overrides]))
    except ConfigError as error:
        message = str(error)
        assert message
        assert "\n" not in message
        words = [word.lstrip("+~").partition("=")[0] for word in overrides]
        names = {part for word in words for part in (word, *word.replace("@", ".").split("."))}
        assert any(name and name in message for name in names) or any(
            " ".join(one.split()) in message for one in overrides
        )
