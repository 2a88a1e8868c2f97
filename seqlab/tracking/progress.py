"""Progress of runs: a bar on a terminal, and lines at a sane rate elsewhere."""

from __future__ import annotations

import time

import rich.console
import rich.table
from rich import progress

from seqlab.tracking.tracker import RunInfo

SECONDS = 5.0
SECONDS_IN_SWEEP = 30.0
SHARE = 0.02
"""The least time between two lines: these seconds, or this share of the time since the first one."""


class Bar:
    """A progress bar, followed by the latest numbers, as many as fit."""

    def __init__(self, info: RunInfo, screen: rich.console.Console, name: str = "") -> None:
        """Show the bar at its start.

        Args:
            info: what runs.
            screen: the terminal.
            name: what the numbers begin with.
        """
        numbers = rich.table.Column(no_wrap=True, overflow="ellipsis", ratio=1)
        self._name = name
        self._progress = progress.Progress(
            progress.BarColumn(bar_width=8),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.description}", markup=False, table_column=numbers),
            console=screen,
            refresh_per_second=4,
            expand=True,
            transient=bool(name),
        )
        begun = info.resumed_from or 0
        self._task = self._progress.add_task(self._named("compiling"), total=info.steps, completed=begun)
        self._progress.start()

    def move(self, step: int, numbers: str) -> None:
        """Move the bar to a step, and show its numbers."""
        self._progress.update(self._task, completed=step, description=self._named(numbers))

    def stop(self) -> None:
        """Release the terminal."""
        self._progress.stop()

    def _named(self, text: str) -> str:
        return f"{self._name}  {text}" if self._name else text


class Lines:
    """Lines of numbers, at least some seconds apart."""

    def __init__(
        self, info: RunInfo, screen: rich.console.Console, name: str = "", sparse: bool = False
    ) -> None:
        """Begin without a line.

        Args:
            info: what runs.
            screen: where to print.
            name: what a line begins with.
            sparse: whether the run is one of many, whose lines are `SECONDS_IN_SWEEP` apart. Any other run
                prints its first and its last numbers too.
        """
        self._steps, self._screen, self._sparse = info.steps, screen, sparse
        self._name = f"{name}  " if name else ""
        self._waiting: str | None = None
        self._first = self._last = time.monotonic() if sparse else None

    def move(self, step: int, numbers: str) -> None:
        """Print a step's numbers, unless the last line was a moment ago."""
        width, now = len(str(self._steps)), time.monotonic()
        self._waiting = f"{self._name}step {step:>{width}}/{self._steps}  {numbers}".rstrip()
        least = SECONDS_IN_SWEEP if self._sparse else SECONDS
        if self._first is None or self._last is None:
            self._first = now
        elif now - self._last < max(least, SHARE * (now - self._first)):
            return
        self._last = now
        self._print()

    def stop(self) -> None:
        """Print the last numbers, where they are not printed yet."""
        if not self._sparse:
            self._print()

    def _print(self) -> None:
        if self._waiting is not None:
            self._screen.out(self._waiting, highlight=False)
            self._waiting = None
