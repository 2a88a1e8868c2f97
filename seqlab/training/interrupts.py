"""Signals that end a run between two dispatches, so that nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

Handler = Callable[[int, FrameType | None], object] | int | None
"""A handler of a signal, as `signal.signal` takes it."""


class Interrupts:
    """A context that notes the first SIGINT or SIGTERM in `requested`; a second one acts as usual."""

    def __init__(self) -> None:
        """Start without a request."""
        self.requested = False
        self._previous: dict[int, Handler] = {}

    def __enter__(self) -> Self:
        """Handle the signals, if this is the main thread; Python allows no other thread to."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the handlers."""
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        while self._previous:
            signal.signal(*self._previous.popitem())
