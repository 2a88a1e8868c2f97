"""How does the host write while the devices go on? In order, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any


class Background:
    """Calls functions in the order in which they are asked for; leaving its context waits for all of them."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._executor = ThreadPoolExecutor(1, "background")
        self._asked: list[Future[None]] = []

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        if error is None:
            self.wait()

    def ask(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have a function called after those asked for before; its error is raised by `wait`."""
        self._asked.append(self._executor.submit(function, *arguments))

    def wait(self, leaving: int = 0) -> None:
        """Wait until no more than so many are left to do, and raise the first error of the others."""
        split = max(0, len(self._asked) - leaving)
        others, self._asked = self._asked[:split], self._asked[split:]
        for one in others:
            one.result()
