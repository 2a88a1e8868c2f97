"""Console tracker: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Mapping
from typing import Any

import rich.console

from seqlab.checks import require_choice
from seqlab.tracking.group_lines import Ended, group_lines, group_of, run_of
from seqlab.tracking.lines import COMPILING, closing_lines, compile_line, headline, progress_line
from seqlab.tracking.progress import Bar, Lines
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

    A run of a sweep prints its progress alone. When a group is complete, whose runs differ in their seed
    alone, a line says how its runs ended. In a worker process, which has a part of the runs, each run has
    such a line.

    Attributes:
        mode: rich (a progress bar), plain (lines), off, or auto: rich on a terminal, else plain.
        screen: where to print; standard output by default.

    Raises:
        ValueError: `mode` is none of these.
    """

    mode: str = "auto"
    screen: rich.console.Console = dataclasses.field(
        default_factory=_Screen, repr=False, metadata={"config": False}
    )
    _info: RunInfo = dataclasses.field(init=False, repr=False, compare=False)
    _progress: Bar | Lines | None = dataclasses.field(default=None, init=False, repr=False)
    _latest: dict[str, Any] = dataclasses.field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        require_choice(self, "mode", ("auto", "rich", "plain", "off"))

    def start(self, info: RunInfo) -> None:
        self._info = info
        if info.sweep is None:
            self.print(headline(info), *info.notes)
        else:
            self._start_in_sweep(info)
        in_sweep = info.sweep is not None
        self._progress = self.progress(info, " ".join(info.axes) if in_sweep else "", sparse=in_sweep)

    def log(self, row: Mapping[str, Any]) -> None:
        if COMPILING in row and self._info.sweep is None:
            self.print(compile_line(row[COMPILING]))
        if any(key.startswith("test/") for key in row) or self._progress is None:
            return
        self._latest |= row
        self._progress.move(int(row["step"]), progress_line([self._latest], self._info))

    def finish(self, summary: Mapping[str, Any]) -> None:
        if self._progress:
            self._progress.stop()
        if self._info.sweep is None:
            verdict, *lines = closing_lines(summary, self._info)
            self.print(verdict, style="bold green" if summary.get("solved") else "bold")
            self.print(*lines)
        elif _gathers:
            _ended.append((self._info, summary))
        else:
            self.print(*group_lines([(self._info, summary)], run_of))

    def progress(self, info: RunInfo, name: str, sparse: bool = False) -> Bar | Lines | None:
        """Return what shows the progress of runs; None where nothing is printed.

        Args:
            info: what the runs are.
            name: what a line begins with.
            sparse: whether the run is one of many.
        """
        if self.mode == "off":
            return None
        live = self.mode == "rich" or (self.mode == "auto" and self.screen.is_terminal)
        return Bar(info, self.screen, name) if live else Lines(info, self.screen, name, sparse)

    def print(self, *lines: str, style: str = "") -> None:
        """Print lines, which a terminal folds between words."""
        folds = self.screen.is_terminal
        for line in lines if self.mode != "off" else ():
            self.screen.print(line.rstrip(), style=style, highlight=False, markup=False, soft_wrap=not folds)

    def _start_in_sweep(self, info: RunInfo) -> None:
        """Print how the group before ended, where this run begins another, and the notes that are new."""
        if _ended and group_of(_ended[0][0]) != group_of(info):
            self.print_ended()
        self.print(*(note for note in info.notes if note not in _noted))
        _noted.update(info.notes)

    def print_ended(self) -> None:
        """Print a line about each group of runs that ended since the last such line."""
        self.print(*group_lines(_ended))
        _ended.clear()


def gather_ended() -> None:
    """Print how runs of a sweep ended by groups from now on, as all of them are trained in this process."""
    _gathers[:] = [True]


_gathers: list[bool] = []
"""Whether this process is that of the sweep; a worker of a launcher is another one."""

_ended: list[Ended] = []
"""The runs of the present group of a sweep that have ended. Each run has a console of its own."""

_noted: set[str] = set()
"""The notes that were printed for a sweep."""
