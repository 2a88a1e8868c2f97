"""Console lines for many runs that train together: one line a step, of medians over the runs."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from typing import Any

from seqlab.tracking.console import Console
from seqlab.tracking.lines import described, row_line
from seqlab.tracking.tracker import RunInfo


@dataclasses.dataclass
class GroupConsole:
    """One tracker shared by all runs of a program. The runs log their rows of each step one after another.

    Attributes:
        console: where to print, unless its mode is off.
    """

    console: Console
    _info: RunInfo | None = dataclasses.field(default=None, init=False, repr=False)
    _kind: tuple[Any, ...] = dataclasses.field(default=(), init=False, repr=False)
    _rows: list[Mapping[str, Any]] = dataclasses.field(default_factory=list, init=False, repr=False)

    def start(self, info: RunInfo) -> None:
        if self._info is None:
            for line in (described(info, info.task), *info.notes):
                self._print(line)
        self._info = info

    def log(self, row: Mapping[str, Any]) -> None:
        kind = row["step"], {key.partition("/")[0] for key in row}
        if kind != self._kind:
            self._print_medians()
        self._kind = kind
        self._rows.append(row)

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._print_medians()
        if summary["status"] != "finished":
            self._print(f"seed {summary['seed']} {summary['status']}: {summary['reason']}")

    def _print_medians(self) -> None:
        """Print the medians of the rows since the last line."""
        rows, self._rows = self._rows, []
        if not rows or self._info is None:
            return
        keys = [key for key, value in rows[0].items() if isinstance(value, (int, float))]
        medians = {key: statistics.median(row[key] for row in rows if key in row) for key in keys}
        if line := row_line(medians, self._info.goal_key):
            steps = str(self._info.steps)
            self._print(f"step {rows[0]['step']:>{len(steps)}}/{steps}  median of {len(rows)}: {line}")

    def _print(self, line: str) -> None:
        if self.console.mode != "off":
            self.console.screen.out(line, highlight=False)
