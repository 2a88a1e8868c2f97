"""Frame of every command: how it fails, and how seldom Python collects garbage while it runs."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import io
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Generator

from seqlab.interrupts import interruptible
from seqlab.plugins import require_plugins
from seqlab.tracking.console import silence_stdout
from seqlab.types import ConfigError, DataError, ExitStatus, UnfinishedRunError

EXIT_SECONDS = 3.0
"""How long an interrupted command waits for its threads."""

SHOW_TRACES = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")
"""Whether the user asks for traces. It is read before any command sets the variable itself."""

GARBAGE = 20_000
"""How many objects Python makes before it collects the garbage among them. Its default is 700."""


def complain(error: Exception) -> int:
    """Print an error as one line and return its exit status."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
    refused = isinstance(error, ConfigError) and not isinstance(error, DataError)
    return ExitStatus.REFUSED if refused else ExitStatus.FAILED


@contextlib.contextmanager
def naming_options(*names: str) -> Generator[None]:
    """Let an error that begins with the name of a Python argument, or advises it, name the option instead.

    Args:
        names: the arguments, such as `top_k`, which is the option `--top-k`.
    """
    pattern = re.compile(rf"(^|; )({'|'.join(names)})\b")
    try:
        yield
    except ConfigError as error:
        option = pattern.sub(lambda found: f"{found[1]}--{found[2].replace('_', '-')}", str(error))
        raise type(error)(option) from error


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Let a command fail with one line where it raises ConfigError or UnfinishedRunError.

    `HYDRA_FULL_ERROR=1` shows the trace. Ctrl-C and the other signals of `seqlab.interrupts` end
    with the status 130, as shells expect. Where a reader such as `head` closes standard output, the command
    ends quietly with the status of one that SIGPIPE ended. `ExitStatus` lists all statuses.
    """

    @functools.wraps(main)
    def guarded() -> None:
        _collect_seldom()
        logging.getLogger("absl").setLevel(logging.WARNING)  # Orbax logs every checkpoint it reads
        _print_anything()
        _hide_abandoned_writes()
        try:
            with quiet_pipe(), interruptible():
                require_plugins()
                main()
        except KeyboardInterrupt:
            _exit_soon(ExitStatus.INTERRUPTED)
        except (ConfigError, UnfinishedRunError) as error:
            if SHOW_TRACES:
                raise
            sys.exit(complain(error))

    return guarded


@contextlib.contextmanager
def quiet_pipe() -> Generator[None]:
    """Exit without a trace where the reader of standard output has ended."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
        sys.exit(ExitStatus.PIPE_CLOSED)


def _print_anything() -> None:
    """Let standard output and error print what their encoding lacks, such as in the C locale, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _hide_abandoned_writes() -> None:
    """Print no traces of the other writes of a checkpoint of which one failed; its error is reported."""
    show = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            show(unraisable)

    sys.unraisablehook = hook


def _exit_soon(status: int) -> None:
    """Exit, and do not wait for long for threads that compile."""
    timer = threading.Timer(EXIT_SECONDS, os._exit, (status,))
    timer.daemon = True
    timer.start()
    sys.exit(status)


@functools.cache
def _collect_seldom() -> None:
    """Let Python collect garbage less often, never among what was imported, and not at the exit.

    A collection looks at every object that is alive. Tracing makes so many objects that the collections take
    a tenth of a short run by default, and those at the exit another half a second.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 50)
    atexit.register(gc.freeze)
