"""What kind of sound is it? A word, a speaker, an instrument: the class of every sound of a source."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from seqlab.data.sounds import Hearing
from seqlab.data.splits import Example
from seqlab.data.table import Table
from seqlab.tasks.series._classification import SeriesClassification


@dataclasses.dataclass(frozen=True)
class LabelledSounds(Hearing, SeriesClassification):
    """Say which class a sound belongs to, read as frames: the logarithms of the energies in F bands."""

    instead: ClassVar[str] = "task=japanese_vowels"

    series: str = "audio"
    length: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_hearing()

    def series_of(self, table: Table) -> list[Example]:
        table.require(series=self.series)
        return table.decoded(self.series, self.hear)

    def prompted(self, text: str) -> dict[str, list[Path]]:
        """Name a file."""
        return {self.series: [Path(text)]}
