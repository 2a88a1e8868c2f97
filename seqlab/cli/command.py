"""Frame of every command: how it fails, and how seldom Python collects garbage while it runs."""

from __future__ import annotations

import atexit
import functools
import gc
import logging
import os
import sys
from collections.abc import Callable

from seqlab.plugins import require_plugins
from seqlab.runs import UnfinishedRunError
from seqlab.types import ConfigError

SHOW_TRACES = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")
"""Whether the user asks for traces. It is read before any command sets the variable itself."""

GARBAGE = 20_000
"""How many objects Python makes before it collects the garbage among them. Its default is 700."""


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
        _collect_seldom()
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


@functools.cache
def _collect_seldom() -> None:
    """Let Python collect garbage less often, never among what was imported, and not at the exit.

    A collection looks at every object that is alive. Tracing makes so many objects that the collections take
    a tenth of a short run by default, and those at the exit another half a second.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 50)
    atexit.register(gc.freeze)
