"""Callback that records a trace of JAX's profiler: `debug=profile`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqlab.tracking.callback import Callback
from seqlab.tracking.tracker import RunInfo

FOLDER = "profile"
"""The folder of the trace within a run folder."""


class Profile(Callback):
    """The profiler's trace of some steps of a run, in its folder: for Perfetto, XProf or TensorBoard.

    Recording begins and ends at rows, so that it holds whole dispatches and no compilation. A process records
    one trace at a time, so of the runs of one program the first is recorded.
    """

    def __init__(self, first_step: int = 50, steps: int = 100) -> None:
        """Plan a recording.

        Args:
            first_step: recording begins at the first row at or after this step.
            steps: the least number of steps that are recorded; recording ends at a row.

        Raises:
            ValueError: a number that is no positive integer.
        """
        for name, value in (("first_step", first_step), ("steps", steps)):
            if isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        self._first, self._count = first_step, steps
        self._folder: Path | None = None
        self._last: int | None = None
        self._done = False

    def on_start(self, info: RunInfo) -> None:
        self._folder = info.folder / FOLDER

    def on_row(self, row: Mapping[str, Any]) -> None:
        step = int(row["step"])
        if self._last is not None and step >= self._last:
            self._stop()
        elif self._last is None and not self._done and step >= self._first:
            self._start(step)

    def on_end(self, summary: Mapping[str, Any]) -> None:
        if self._last is not None:
            self._stop()
        elif not self._done:
            print(f"no profile: the run has no row from step {self._first} on", flush=True)

    def _start(self, step: int) -> None:
        import jax  # a second

        try:
            jax.profiler.start_trace(str(self._folder))
        except RuntimeError as error:  # another run of this process records
            self._done = True
            print(f"no profile: {error}", flush=True)
            return
        self._last = step + self._count

    def _stop(self) -> None:
        import jax

        jax.profiler.stop_trace()
        self._last, self._done = None, True
        print(f"profile: {self._folder}", flush=True)
