"""Watched folder: the runs and sweeps in it, also those that begin later."""

from __future__ import annotations

import collections
import os
import time
from pathlib import Path

from seqlab.analysis.live.followed import RUNNING, WAITING, Followed
from seqlab.near_misses import near_miss
from seqlab.tracking import find_runs
from seqlab.types import ConfigError

PATIENCE = 60.0
"""How long a sweep without a running run is waited for, in seconds, unless it says that it has ended."""


class Watched:
    """The runs below a folder.

    Attributes:
        folder: the folder.
        runs: its runs, in natural order.
        chosen: the run of which details are shown; None where there is no run.
    """

    def __init__(self, folder: Path | str, name: str | None = None) -> None:
        """Find the runs.

        Args:
            folder: a folder of runs and sweeps, or a run folder. It may hold no run yet.
            name: the chosen run, by its folder or the end of its path; None for the newest running one.

        Raises:
            ConfigError: the folder does not exist, or has runs but none of this name.
        """
        self.folder, self._name = Path(folder), name
        if not self.folder.is_dir():
            raise ConfigError(
                f"DIR={folder} is no folder: legal is a folder of runs or sweeps, or a run folder"
            )
        self.runs: list[Followed] = []
        self.chosen: Followed | None = None
        self.update()
        if self.runs and self.chosen is None:
            names = [self.name_of(run) for run in self.runs]
            legal, hint = ", ".join(names[:20]), near_miss(str(name), names)
            raise ConfigError(f"run={name} is no run in {folder}: legal are {legal}{hint}")

    def update(self) -> None:
        """Read what is new."""
        known = {run.folder: run for run in self.runs}
        self.runs = [known.get(path) or Followed(path) for path in find_runs(self.folder)]
        for run in self.runs:
            run.update()
        chosen = self._choose()
        if chosen is not self.chosen:
            if self.chosen is not None:
                self.chosen.detail(False)
            self.chosen = chosen
        if chosen is not None and not chosen.detailed:
            chosen.detail(True)
            chosen.update()

    def name_of(self, run: Followed) -> str:
        """Return the path of a run's folder from the watched one; its own name where they are the same."""
        return (
            str(run.folder.relative_to(self.folder))
            if run.folder != self.folder
            else run.folder.absolute().name
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many runs have each status, the most frequent first."""
        return dict(collections.Counter(run.status for run in self.runs).most_common())

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be expected; never where there was no run yet."""
        if not self.runs or any(run.alive for run in self.runs):
            return False
        return not any(self._is_open(sweep) for sweep in self._sweeps())

    def _sweeps(self) -> list[Path]:
        """Return the folders of sweeps, the watched one or below it."""
        parents = {path for run in self.runs for path in run.folder.parents}
        below = [path for path in sorted(parents) if self.folder in (path, *path.parents)]
        return [path for path in below if (path / "multirun.yaml").is_file()]

    def _is_open(self, sweep: Path) -> bool:
        """Return whether a sweep may begin further runs."""
        begun = (sweep / "multirun.yaml").stat().st_mtime
        summary = sweep / "sweep.json"
        if summary.exists() and summary.stat().st_mtime >= begun:
            return False
        members = [run for run in self.runs if sweep in run.folder.parents]
        if any(run.status == WAITING for run in members):
            return True
        latest = max([begun, *(run.changed for run in members)])
        return time.time() - latest < PATIENCE

    def _choose(self) -> Followed | None:
        if self._name is not None:
            named = [run for run in self.runs if self._is_named(run)]
            return named[-1] if named else None
        running = [run for run in self.runs if run.status == RUNNING]
        begun = running or [run for run in self.runs if run.latest] or self.runs
        if any(run is self.chosen for run in running):
            return self.chosen
        return max(begun, key=lambda run: (run.facts.get("started") or 0, run.changed), default=None)

    def _is_named(self, run: Followed) -> bool:
        wanted = Path(str(self._name)).parts
        return run.folder.parts[-len(wanted) :] == wanted or os.path.abspath(run.folder) == os.path.abspath(
            str(self._name)
        )
