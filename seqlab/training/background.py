"""Calls in the background, one after another, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any


class Background:
    """A queue of calls; leaving its context waits until all are done."""

    def __init__(self) -> None:
        """Start with an empty queue."""
        self._executor = ThreadPoolExecutor(1, "background")
        self._queue: list[Future[Any]] = []

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        if error is None:
            self.wait()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Add a call to the queue. `wait` raises its error."""
        self._queue.append(self._executor.submit(function, *arguments))

    def wait(self, leaving: int = 0) -> None:
        """Wait until at most `leaving` calls are left, and raise the first error of the others."""
        split = max(0, len(self._queue) - leaving)
        done, self._queue = self._queue[:split], self._queue[split:]
        for call in done:
            call.result()
