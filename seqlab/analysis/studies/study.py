"""What does every study do? When its sweep has ended, it reads the runs and writes a figure and a table."""

from __future__ import annotations

import abc
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from seqlab.analysis.studies.marked import write_marked


class Study(Callback, abc.ABC):
    """Hydra's callback that writes what a sweep showed.

    Attributes:
        folder: where `figure.png` goes, and the `README.md` whose part between `<!-- study: begin -->` and
            `<!-- study: end -->` is the table, with the wall time of the command.
    """

    def __init__(self, folder: str) -> None:
        """Take the folder."""
        self.folder = Path(folder)
        self.started = time.perf_counter()

    @abc.abstractmethod
    def tell(self, sweep: Path) -> tuple[Any, str]:
        """Read the runs of a sweep's folder; return a `matplotlib.figure.Figure` and a Markdown table."""

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Read the runs and write."""
        figure, text = self.tell(Path(config.hydra.sweep.dir))
        self.folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.folder / "figure.png")
        seconds = time.perf_counter() - self.started
        write_marked(self.folder / "README.md", "study", f"{text}\n\nThe command took {seconds:.0f} s.")
        print(f"figure and table: {self.folder}", flush=True)


def markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a Markdown table of rows that have the same columns."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
