"""Console lines for many runs that train together: medians and ranges, and how each group ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from seqlab.tracking.console import Console
from seqlab.tracking.group_lines import Ended, group_lines
from seqlab.tracking.lines import COMPILING, compile_line, described, progress_line
from seqlab.tracking.progress import Bar, Lines
from seqlab.tracking.tracker import RunInfo


@dataclasses.dataclass
class GroupConsole:
    """One tracker shared by all runs of a program. The runs log their rows of each step one after another.

    Attributes:
        console: where to print, unless its mode is off.
        how: how the runs share the program, in words.
    """

    console: Console
    how: str = ""

    def __post_init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """Begin with runs that have not started."""
        self._infos: list[RunInfo] = []
        self._progress: Bar | Lines | None = None
        self._kind: tuple[Any, ...] = ()
        self._rows: list[Mapping[str, Any]] = []
        self._latest: list[dict[str, Any]] = []
        self._ended: list[Ended] = []

    def start(self, info: RunInfo) -> None:
        self._infos.append(info)

    def log(self, row: Mapping[str, Any]) -> None:
        if self._progress is None and not self._kind:
            self._begin(row)
        kind = row["step"], {key.partition("/")[0] for key in row}
        if kind != self._kind:
            self._show()
        self._kind = kind
        self._rows.append(row)

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._show()
        self._ended.append((self._infos[len(self._ended)], summary))
        if len(self._ended) == len(self._infos):
            if self._progress:
                self._progress.stop()
            self.console.print(*group_lines(self._ended))
            self._forget()

    def _begin(self, row: Mapping[str, Any]) -> None:
        """Print what the runs are, at their first row."""
        info, count = self._infos[0], len(self._infos)
        name, how = f"{count} run{'' if count == 1 else 's'}", f", {self.how}" if self.how else ""
        self.console.print(f"{name} as one program{how}: {described(info, info.task)}", *info.notes)
        if COMPILING in row:
            self.console.print(compile_line(row[COMPILING]))
        self._progress = self.console.progress(info, name)

    def _show(self) -> None:
        """Show the medians of the rows since they were last shown."""
        rows, self._rows = self._rows, []
        if not rows or self._progress is None or any(key.startswith("test/") for key in rows[0]):
            return
        before = self._latest if len(self._latest) == len(rows) else [{}] * len(rows)
        self._latest = [{**old, **new} for old, new in zip(before, rows, strict=True)]
        self._progress.move(int(rows[0]["step"]), progress_line(self._latest, self._infos[0]))
