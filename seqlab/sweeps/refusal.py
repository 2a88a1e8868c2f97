"""Refusal of a sweep before it starts."""

from __future__ import annotations

import sys

from seqlab.types import ConfigError, ExitStatus


def refuse(error: ConfigError | None) -> None:
    """End the process with an error in one line, unless it is None.

    Hydra turns any error of a callback but SystemExit into a warning.
    """
    if error is not None:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(ExitStatus.REFUSED)
