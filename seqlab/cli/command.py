"""How a command fails: one line on standard error and a non-zero exit status."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable

from seqlab.plugins import require_plugins
from seqlab.runs import UnfinishedRunError
from seqlab.types import ConfigError

SHOW_TRACES = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")
"""Whether the user asks for traces. It is read before any command sets the variable itself."""


def complain(error: Exception) -> int:
    """Print an error as one line and return the exit status of a failure."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
    return 1


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Let a command fail with one line where it raises ConfigError or UnfinishedRunError.

    `HYDRA_FULL_ERROR=1` shows the trace. Ctrl-C ends with the status 130, as shells expect.
    """

    @functools.wraps(main)
    def guarded() -> None:
        logging.getLogger("absl").setLevel(logging.WARNING)  # Orbax logs every checkpoint it reads
        try:
            require_plugins()
            main()
        except KeyboardInterrupt:
            sys.exit(130)
        except (ConfigError, UnfinishedRunError) as error:
            if SHOW_TRACES:
                raise
            sys.exit(complain(error))

    return guarded
