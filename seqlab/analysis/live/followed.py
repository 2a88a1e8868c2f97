"""Followed run: what its folder says so far, of which only what was appended is read."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from seqlab.tracking.gradient_flow import LOG10_NORM, SLOPE
from seqlab.tracking.lock import owner_of
from seqlab.tracking.run_folder import FACTS, ROWS, SUMMARY
from seqlab.types import Goal

WAITING, RUNNING, STOPPED, DAMAGED = "waiting", "running", "stopped", "damaged"
"""The statuses of a run without a summary: not begun, written by a live process, left by one that died; and
of one whose files cannot be read."""

_NEEDED = (b'"eval/', b'"timing/compile_seconds"')
"""What a line contains that is read of every run. Of the other lines the newest say how far the run is."""

MOST_STEPS = 2**53
"""What is more than any run makes."""

Points = tuple[list[float], list[float]]
"""Steps and values."""


class Followed:
    """A run folder that is read again and again.

    Attributes:
        folder: the run folder.
        status: one of `seqlab.tracking.STATUSES`, or `WAITING`, `RUNNING`, `STOPPED`, `DAMAGED`.
        alive: whether a live process writes to the folder.
        facts: what the run is, as `run.json` or else its summary says; empty where neither does.
        summary: how it ended; empty where it has not.
        latest: the latest value of each number of its rows.
        scores: the deciding metric at the steps of evaluations.
        detailed: whether every row is read.
        losses: the training loss at the steps of rows, where every row is read.
        flow: the rows with the gradient through time, where every row is read.
    """

    def __init__(self, folder: Path) -> None:
        """Follow a run of which nothing was read yet."""
        self.folder, self.status, self.alive = folder, WAITING, False
        self.facts: Mapping[str, Any] = {}
        self.summary: Mapping[str, Any] = {}
        self.detailed = False
        self._stamps: dict[str, Any] = {}
        self._forget()

    def _forget(self) -> None:
        """Forget all rows."""
        self.latest: dict[str, Any] = {}
        self.losses: Points = ([], [])
        self.scores: Points = ([], [])
        self.flow: list[Mapping[str, Any]] = []
        self._offset, self._file = 0, None

    def detail(self, detailed: bool) -> None:
        """Read every row from now on, the earlier ones once more, or only what the line of the run needs."""
        if detailed != self.detailed:
            self._forget()
        self.detailed = detailed

    def update(self) -> None:
        """Read what is new."""
        try:
            self.summary = self._read_if_new(SUMMARY, self.summary)
            self.facts = self._read_if_new(FACTS, self.facts) or self.summary or self._asked_for()
            self._read_rows()
            self.status = self._find_status()
            self._require_shown()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            self.status, self.summary = DAMAGED, {"reason": f"{type(error).__name__}: {error}"}
            self.facts = {}
            self._stamps.clear()
            self._forget()

    def _require_shown(self) -> None:
        """Raise where what is shown of the run is of another type."""
        _ = self.step, self.best, self.reference, self.solved, self.seconds_left, int(self.total or 0)
        _ = [float(self.latest.get(name, 0)) for name in ("train/loss", "timing/steps_per_second")]

    @property
    def goal(self) -> Goal:
        """The deciding metric; an empty name where it is unknown."""
        return Goal(str(self.facts.get("metric") or ""), bool(self.facts.get("higher_is_better")))

    @property
    def step(self) -> int:
        """The updates made, as far as summary and rows tell."""
        made = self.latest.get("step") or self.facts.get("resumed_from")
        return int(self.summary.get("steps") or made or 0)

    @property
    def total(self) -> int | None:
        """The updates that were asked for; None where that is unknown."""
        return self.facts.get("total_steps")

    @property
    def best(self) -> float | None:
        """The best score on the validation split so far; None without a finite one."""
        finite = [score for score in self.scores[1] if math.isfinite(score)]
        return (max if self.goal.higher_is_better else min)(finite) if finite else None

    @property
    def reference(self) -> dict[str, float]:
        """The baseline and the threshold of the validation split by name, as far as they are known."""
        names = {"baseline": "chance", "solved at": "solved_at"}
        known = self.summary.get("validation") or {}
        found = {name: known.get(key, self.latest.get(f"reference/{key}")) for name, key in names.items()}
        return {name: float(value) for name, value in found.items() if value is not None}

    @property
    def solved(self) -> bool:
        """Whether the best score reaches the threshold."""
        best, threshold = self.best, self.reference.get("solved at")
        if best is None or threshold is None:
            return False
        return best >= threshold if self.goal.higher_is_better else best <= threshold

    @property
    def seconds_left(self) -> float | None:
        """The estimate of how long a running run still takes; None where there is none yet."""
        started, total = self.facts.get("started"), self.total
        made = self.step - int(self.facts.get("resumed_from") or 0)
        if self.status != RUNNING or not started or not total or made < 1:
            return None
        compiling = float(self.latest.get("timing/compile_seconds", 0))
        taken = max(self.changed - started - compiling, 1e-3)
        return max(0.0, (total - self.step) * taken / made - (time.time() - self.changed))

    @property
    def changed(self) -> float:
        """When something was last written, in seconds since 1970."""
        return max((self._when(name) for name in (ROWS, FACTS, SUMMARY)), default=0.0)

    def _when(self, name: str) -> float:
        path = self.folder / name
        return path.stat().st_mtime if path.exists() else 0.0

    def _find_status(self) -> str:
        self.alive = not self.summary and owner_of(self.folder) is not None
        if self.summary:
            return str(self.summary["status"])
        begun = self.facts.get("started") or self.latest
        return (RUNNING if self.alive else STOPPED) if begun else WAITING

    def _read_if_new(self, name: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the content of a JSON file, read again only where it was written again; empty for none."""
        try:
            stat = (self.folder / name).stat()
        except FileNotFoundError:
            self._stamps.pop(name, None)
            return {}
        stamp = stat.st_mtime_ns, stat.st_ino
        if self._stamps.get(name) == stamp:
            return known
        content = json.loads((self.folder / name).read_bytes())
        if not isinstance(content, dict):
            raise TypeError(f"{name} is no JSON object")
        self._stamps[name] = stamp
        return content

    def _asked_for(self) -> Mapping[str, Any]:
        """Return what the command asked for, where the run has not begun."""
        path = self.folder / ".hydra" / "overrides.yaml"
        if self.facts or not path.is_file():
            return self.facts
        return {"overrides": yaml.safe_load(path.read_text(encoding="utf-8")) or []}

    def _read_rows(self) -> None:
        """Read the whole lines that were appended; a file that was written anew is read from its start."""
        path = self.folder / ROWS
        try:
            stat = path.stat()
        except FileNotFoundError:
            self._forget()
            return
        if stat.st_ino != self._file or stat.st_size < self._offset:
            self._forget()
            self._file = stat.st_ino
        if stat.st_size == self._offset:
            return
        with path.open("rb") as file:
            file.seek(self._offset)
            whole, end, _ = file.read().rpartition(b"\n")
        lines = whole.split(b"\n") if end else []
        training = [place for place, line in enumerate(lines) if b'"train/loss"' in line]
        newest = {*training[-1:], len(lines) - 1}
        for place, line in enumerate(lines):
            if self.detailed or place in newest or any(key in line for key in _NEEDED):
                self._add(json.loads(line))
        self._offset += len(whole) + len(end)

    def _add(self, row: Mapping[str, Any]) -> None:
        """Keep what is shown of a row."""
        step, key = int(row["step"]), f"eval/{self.goal.metric}"
        if not 0 <= step < MOST_STEPS:
            raise ValueError(f"step={step} is no number of updates")
        numbers = {name: value for name, value in row.items() if not isinstance(value, list)}
        self.latest |= numbers | {"step": max(step, self.latest.get("step", 0))}
        if key in row:
            _append(self.scores, step, row[key])
        if self.detailed and "train/loss" in row:
            _append(self.losses, step, row["train/loss"])
        if self.detailed and LOG10_NORM in row:
            norms = [float(value) for value in row[LOG10_NORM]]
            self.flow.append({"step": step, LOG10_NORM: norms, SLOPE: float(row.get(SLOPE, math.nan))})


def _append(points: Points, step: int, value: Any) -> None:
    """Add a point; a value may be the text of a number that is not finite."""
    points[0].append(step)
    points[1].append(float(value))
