"""How does a command fail? With one line on standard error and a non-zero exit."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable

from seqlab.types import ConfigError

SHOW_TRACES = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")
"""Whether the user asked for traces, before any command set the variable for its own ends."""


def complain(error: Exception) -> int:
    """Print an error as one line and return the exit status of a failure."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    return 1


def command(main: Callable[[], None]) -> Callable[[], None]:
    """End a command with one line where it raises a ConfigError; `HYDRA_FULL_ERROR=1` shows the trace."""

    @functools.wraps(main)
    def guarded() -> None:
        logging.getLogger("absl").setLevel(logging.WARNING)
        try:
            main()
        except ConfigError as error:
            if SHOW_TRACES:
                raise
            sys.exit(complain(error))

    return guarded
