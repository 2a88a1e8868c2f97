"""Base class of studies: read the runs at the end of a sweep, write a figure and a table."""

from __future__ import annotations

import abc
import time
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from seqlab.analysis.studies.markers import write_between_markers
from seqlab.tracking.figure_style import save


class Study(Callback, abc.ABC):
    """Hydra callback that writes the result of a sweep.

    Attributes:
        folder: the folder of `figure.png`, `figure.svg` and `README.md`. The part of `README.md` between
            `<!-- study: begin -->` and `<!-- study: end -->` becomes the table and the command's wall time.
    """

    def __init__(self, folder: str) -> None:
        """Take the folder."""
        self.folder = Path(folder)
        self.started = time.perf_counter()

    @abc.abstractmethod
    def summarise(self, sweep: Path) -> tuple[Any, str]:
        """Return a `matplotlib.figure.Figure` and a Markdown table of the runs in a sweep's folder."""

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Write the figure and the table."""
        text = self.write(Path(config.hydra.sweep.dir))
        seconds = time.perf_counter() - self.started
        self._write_text(f"{text}\n\nThe command took {seconds:.0f} s.")

    def write(self, sweep: Path) -> str:
        """Write the figure and the table of the runs in a sweep's folder, and return the table."""
        figure, text = self.summarise(sweep)
        self.folder.mkdir(parents=True, exist_ok=True)
        save(figure, self.folder / "figure.png")
        self._write_text(text)
        print(f"figure and table: {self.folder}", flush=True)
        return text

    def _write_text(self, text: str) -> None:
        write_between_markers(self.folder / "README.md", "study", text)
