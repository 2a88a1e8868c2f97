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

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Add a call to the queue, and return it, so that it can be cancelled. `wait` raises its error."""
        self._queue.append(self._executor.submit(function, *arguments))
        return self._queue[-1]

    def waiting(self) -> int:
        """Return the number of calls that are not done."""
        return sum(not call.done() for call in self._queue)

    def finish(self, call: Future[Any]) -> None:
        """Wait until a call is done, and raise its error."""
        call.result()

    def wait(self, leaving: int = 0) -> None:
        """Wait until at most `leaving` calls are left, and raise the first error of the others."""
        split = max(0, len(self._queue) - leaving)
        done, self._queue = self._queue[:split], self._queue[split:]
        for call in done:
            if not call.cancelled():
                call.result()
