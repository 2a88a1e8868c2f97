"""What does a sweep say at its end? A row a run, a line a group, pictures, and what went wrong."""

from __future__ import annotations

import atexit
import collections
import csv
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich.console
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from seqlab.analysis.groups import Group, grouped
from seqlab.analysis.parallel_coordinates import parallel_coordinates
from seqlab.analysis.sweep_figures import gradient_slope, learning_curves
from seqlab.analysis.sweep_runs import Told, read_sweep, swept_keys
from seqlab.analysis.sweep_table import print_tables, shortfalls
from seqlab.cli.command import complain
from seqlab.runs.execution import UnfinishedRunError
from seqlab.tracking.encoding import to_json

_log = logging.getLogger(__name__)

FIGURES = {
    "learning_curves": learning_curves,
    "parallel_coordinates": parallel_coordinates,
    "gradient_slope": gradient_slope,
}
"""What is drawn, by the name of its file."""

_WIDE = 10_000
"""Characters of a line where no terminal folds it."""


class SweepAnswer(Callback):
    """Hydra's callback that ends every sweep with its answer, whatever became of its runs.

    Hydra tells of the end of a sweep only where no job failed and nobody pressed Ctrl-C. Where it does not,
    the answer comes as the process exits. A search outlives the trials that fail, and so the process ends
    here with the status of a failure where a run fell short.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        atexit.register(self._answer, Path(config.hydra.sweep.dir).absolute())

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        atexit.unregister(self._answer)
        told = self._answer(Path(config.hydra.sweep.dir).absolute())
        if short := sum(run.status not in ("finished", "incompatible") for run in told):
            error = UnfinishedRunError(f"{short} of {len(told)} runs did not finish: see above")
            raise SystemExit(complain(error))  # of anything else, Hydra makes a warning

    def _answer(self, folder: Path) -> Sequence[Told]:
        try:
            return write_answer(folder)
        except Exception as error:  # the runs are on disk: what is said of them must not undo them
            _log.warning("the sweep in %s has no answer: %s: %s", folder, type(error).__name__, error)
            return ()


def write_answer(folder: Path | str, screen: rich.console.Console | None = None) -> Sequence[Told]:
    """Write `sweep.csv`, `sweep.json` and figures of all runs in a folder into it, and print its table.

    Args:
        folder: a sweep's folder, whichever launcher made it; the runs may have ended in any way, or not yet.
        screen: where to print; standard output unless given.

    Returns:
        What each of the runs told.
    """
    folder, screen = Path(folder), screen or _screen()
    told = read_sweep(folder)
    if not told:
        return told
    swept = swept_keys(told)
    groups = grouped(told, swept)
    _write_rows(folder, told, swept)
    _write_groups(folder, told, swept, groups)
    print_tables(screen, groups)
    for line in ("", *shortfalls(told)):
        screen.out(line, highlight=False)
    for name, draw in FIGURES.items():
        if (figure := draw(groups)) is not None:
            figure.savefig(folder / f"{name}.png")
    screen.out(f"sweep.csv, sweep.json and figures: {folder}", highlight=False)
    return told


def _screen() -> rich.console.Console:
    """Return standard output, on which nothing is folded where it is no terminal."""
    screen = rich.console.Console()
    return screen if screen.is_terminal else rich.console.Console(width=_WIDE)


def _write_rows(folder: Path, told: Sequence[Told], swept: Sequence[str]) -> None:
    rows = [run.row(swept) | {"folder": str(run.folder.relative_to(folder))} for run in told]
    with (folder / "sweep.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _write_groups(folder: Path, told: Sequence[Told], swept: Sequence[str], groups: Sequence[Group]) -> None:
    answer = {
        "runs": len(told),
        "statuses": dict(collections.Counter(run.status for run in told)),
        "swept": swept,
        "groups": [group.aggregate() for group in groups],
    }
    (folder / "sweep.json").write_text(to_json(answer, indent=2) + "\n")
