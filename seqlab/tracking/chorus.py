"""What does someone at the terminal see of many runs that go in step? A line a row, of their medians."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from typing import Any

from seqlab.tracking.console import Console
from seqlab.tracking.tracker import RunInfo
from seqlab.tracking.wording import headline, row_line


@dataclasses.dataclass
class Chorus:
    """One listener to all runs of a program, whose rows come step by step.

    Attributes:
        console: where to print, unless its mode is off.
    """

    console: Console
    _info: RunInfo | None = dataclasses.field(default=None, init=False, repr=False)
    _kind: tuple[Any, ...] = dataclasses.field(default=(), init=False, repr=False)
    _rows: list[Mapping[str, Any]] = dataclasses.field(default_factory=list, init=False, repr=False)

    def start(self, info: RunInfo) -> None:
        if self._info is None:
            self._say(headline(info))
        self._info = info

    def log(self, row: Mapping[str, Any]) -> None:
        kind = row["step"], {key.partition("/")[0] for key in row}
        if kind != self._kind:
            self._tell()
        self._kind = kind
        self._rows.append(row)

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._tell()
        if summary["status"] != "finished":
            self._say(f"seed {summary['seed']} {summary['status']}: {summary['reason']}")

    def _tell(self) -> None:
        """Say the medians of the rows gathered."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        numbers = [key for key, value in rows[0].items() if isinstance(value, (int, float))]
        medians = {key: statistics.median(row[key] for row in rows if key in row) for key in numbers}
        if line := row_line(medians, self._info.goal_key):
            steps = str(self._info.steps)
            self._say(f"step {rows[0]['step']:>{len(steps)}}/{steps}  median of {len(rows)}: {line}")

    def _say(self, line: str) -> None:
        if self.console.mode != "off":
            self.console.screen.out(line, highlight=False)
