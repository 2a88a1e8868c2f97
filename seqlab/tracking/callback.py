"""Hooks of a run and of a sweep: code that is called at rows, evaluations and checkpoints, and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.tracking.tracker import RunInfo
from seqlab.types import Params


class Callback:
    """Hooks of one run, and of a sweep. A subclass overrides those that it needs.

    A config names one by its `_target_` under `callbacks.<name>`. In a sweep, each run has an object of its
    own, and the sweep has another, of which only `on_sweep_start` and `on_sweep_end` are called.

    The metrics that `on_row` or `on_evaluation` returns are added to the row, so that they stand in
    `metrics.jsonl` and reach every tracker. A hook that raises an error ends the run, whose status is then
    failed.
    """

    def on_start(self, info: RunInfo) -> None:
        """Receive what the run is, before its first step."""

    def on_row(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Receive a row of training, and return further metrics; None for none.

        Args:
            row: `{"step": int}` and metrics, each a number, a list or an array.
        """

    def on_evaluation(self, row: Mapping[str, Any], params: Params) -> Mapping[str, Any] | None:
        """Receive an evaluation on the validation split, and return further metrics; None for none.

        Args:
            row: `{"step": int}` and the metrics under `eval/`.
            params: the parameters that were evaluated, on the host.
        """

    def should_prune(self) -> str | None:
        """Return why the run ends after the evaluation that was received last; None for a run that goes on.

        Such a run has the status pruned, and no test.
        """

    def on_checkpoint(self, step: int, folder: Path) -> None:
        """Learn that the latest state is being saved in the background.

        Args:
            step: the updates made.
            folder: the run folder.
        """

    def on_end(self, summary: Mapping[str, Any]) -> None:
        """Receive how the run ended, which is the content of `summary.json`."""

    def on_sweep_start(self, folder: Path) -> None:
        """Learn that a sweep starts, and its folder."""

    def on_sweep_end(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        """Receive what a sweep found, however its runs ended.

        Args:
            folder: the folder of the sweep.
            rows: a row for each run, as in `sweep.csv`.
        """


def with_further(row: Mapping[str, Any], further: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a row with further metrics, whose keys must be new.

    Raises:
        ValueError: a key that the row has.
    """
    if further and (taken := sorted(further.keys() & row.keys())):
        raise ValueError(f"a callback returned metrics under keys that the row has: {', '.join(taken)}")
    return {**row, **(further or {})}
