"""Console tracker: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Mapping
from typing import Any

import rich.console
from rich import progress

from seqlab.checks import require_choice
from seqlab.tracking.lines import closing_lines, compile_line, headline, row_line
from seqlab.tracking.tracker import RunInfo


def silence_stdout() -> None:
    """Let standard output go nowhere, after its reader has closed it."""
    with contextlib.suppress(OSError, ValueError):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Screen(rich.console.Console):
    """Standard output. Where its reader has closed it, such as `head`, the run goes on without."""

    def on_broken_pipe(self) -> None:
        """Print nothing from now on; Rich would end the process."""
        self.quiet = True
        silence_stdout()


@dataclasses.dataclass
class Console:
    """The tracker that prints.

    Attributes:
        mode: rich (a progress bar), plain (a line a row), off, or auto: rich on a terminal, else plain.
        screen: where to print; standard output by default.

    Raises:
        ValueError: `mode` is none of these.
    """

    mode: str = "auto"
    screen: rich.console.Console = dataclasses.field(
        default_factory=_Screen, repr=False, metadata={"config": False}
    )
    _info: RunInfo = dataclasses.field(init=False, repr=False, compare=False)
    _bar: _Bar | None = dataclasses.field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        require_choice(self, "mode", ("auto", "rich", "plain", "off"))

    def start(self, info: RunInfo) -> None:
        self._info = info
        for line in (headline(info), *info.notes):
            self._print(line)
        self._bar = _Bar(info, self.screen) if self._is_live() else None

    def log(self, row: Mapping[str, Any]) -> None:
        if "timing/compile_seconds" in row:
            self._print(compile_line(row["timing/compile_seconds"]))
        if self._bar:
            self._bar.move(row)
        elif line := row_line(row, self._info.goal_key):
            steps = str(self._info.steps)
            self._print(f"step {row['step']:>{len(steps)}}/{steps}  {line}")

    def finish(self, summary: Mapping[str, Any]) -> None:
        if self._bar:
            self._bar.stop()
        for line in closing_lines(summary, self._info):
            self._print(line)

    def _is_live(self) -> bool:
        return self.mode == "rich" or (self.mode == "auto" and self.screen.is_terminal)

    def _print(self, line: str) -> None:
        if self.mode != "off":
            self.screen.out(line.rstrip(), highlight=False)


class _Bar:
    """A progress bar, followed by the latest value of each number."""

    def __init__(self, info: RunInfo, screen: rich.console.Console) -> None:
        self._goal_key = info.goal_key
        self._latest: dict[str, Any] = {}
        self._progress = progress.Progress(
            progress.BarColumn(bar_width=20),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.description}", markup=False),
            progress.TimeRemainingColumn(),
            console=screen,
            refresh_per_second=4,
            speed_estimate_period=600,  # seconds; rows may come minutes apart
        )
        self._task = self._progress.add_task("compiling", total=info.steps, completed=info.resumed_from or 0)
        self._progress.start()

    def move(self, row: Mapping[str, Any]) -> None:
        self._latest |= row
        numbers = row_line(self._latest, self._goal_key)
        self._progress.update(self._task, completed=row["step"], description=numbers)

    def stop(self) -> None:
        self._progress.stop()
