"""Signals that end a run between two dispatches, so that nothing is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from types import FrameType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""The signals that ask a run to stop. SLURM and other schedulers send them before they kill a job."""

POLL_SECONDS = 0.1
"""How soon a wait notices a request."""

Handler = Callable[[int, FrameType | None], object] | int | None
"""A handler of a signal, as `signal.signal` takes it."""


class Interrupts:
    """The requests to stop that a run has received.

    The first signal raises KeyboardInterrupt, or within `deferred` only sets `requested`. A second one ends
    the process at once.

    Attributes:
        requested: the name of the signal that was received; None without one.
    """

    def __init__(self) -> None:
        """Start without a request."""
        self.requested: str | None = None
        self._deferred = False

    @contextlib.contextmanager
    def deferred(self) -> Generator[None]:
        """Let a signal set `requested` alone; the caller ends its work when it can."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.requested is not None:
            os._exit(128 + number)
        self.requested = signal.Signals(number).name
        if not self._deferred:
            raise KeyboardInterrupt(self.requested)


_current: Interrupts | None = None


@contextlib.contextmanager
def interruptible() -> Generator[Interrupts]:
    """Handle the signals in a block. Within such a block this is the same one.

    SIGHUP stays ignored where `nohup` ignores it. Python lets the main thread alone handle signals.
    """
    global _current
    if _current is not None:
        yield _current
        return
    previous: dict[int, Handler] = {}
    _current = interrupts = Interrupts()
    try:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
                ignored = signal.getsignal(number) is signal.SIG_IGN
                if not (ignored and number == getattr(signal, "SIGHUP", None)):
                    previous[number] = signal.signal(number, interrupts.note)
        yield interrupts
    finally:
        _current = None
        for number, handler in previous.items():
            signal.signal(number, handler)


def wait_for(future: Future[Any]) -> Any:
    """Return the result of a long call, such as a compilation; a request to stop ends the wait.

    Raises:
        KeyboardInterrupt: a signal was received.
    """
    while _current is not None and not future.done():
        if _current.requested is not None:
            raise KeyboardInterrupt(_current.requested)
        with contextlib.suppress(TimeoutError):
            future.exception(POLL_SECONDS)
    return future.result()
