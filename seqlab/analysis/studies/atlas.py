"""Study of the atlas: every model on every problem, as tables, a figure and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqlab.analysis.atlas import Judgement, write_atlas
from seqlab.analysis.studies.study import Study


class Atlas(Study):
    """Writes `index.html`, `atlas.csv`, `atlas.parquet` and `cells.csv` beside the figure and the table.

    Attributes:
        judgement: the settings of the evaluation beyond the trained lengths.
        reference: the model that others are compared with.
    """

    def __init__(self, folder: str, beyond: Sequence[float], examples: int, reference: str = "lstm") -> None:
        """Take the settings: the folder, the fields of `Judgement`, and the reference."""
        super().__init__(folder)
        self.judgement, self.reference = Judgement(tuple(beyond), examples), reference

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        return write_atlas([sweep], self.folder, self.judgement, self.reference)
