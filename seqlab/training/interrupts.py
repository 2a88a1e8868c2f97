"""Has someone asked to stop? Ctrl-C and SIGTERM end a run between two dispatches, with nothing lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """While entered, notes the first SIGINT or SIGTERM in `requested`; a second one acts as usual."""

    def __init__(self) -> None:
        """Start with nothing requested."""
        self.requested = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        """Listen, where this is the main thread (only it may)."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        self._give_back()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._give_back()

    def _give_back(self) -> None:
        while self._previous:
            signal.signal(*self._previous.popitem())
