"""Trackers of a sweep as a whole: its table and figures, and the command that uploads its runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.runs.open_groups import make_trackers
from seqlab.tracking import Callback
from seqlab.tracking.wandb_artifacts import sync_command

_log = logging.getLogger(__name__)


class SweepTrackers(Callback):
    """Tells every tracker that has a method `finish_sweep(folder, rows)` what a sweep found."""

    def __init__(self, settings: Any) -> None:
        """Take the trackers that the sweep's config names."""
        self._settings = settings

    def on_sweep_end(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        for name, tracker in make_trackers(self._settings).items():
            finish = getattr(tracker, "finish_sweep", None)
            if finish is None:
                continue
            try:
                finish(folder, rows)
            except Exception as error:  # the results are on disk
                _log.warning("%s has not heard of the sweep: %s: %s", name, type(error).__name__, error)
        if (line := sync_command(folder)) is not None:
            print(f"to upload all runs: {line}", flush=True)
