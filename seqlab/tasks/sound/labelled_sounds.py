"""What kind of sound is it? A word, a speaker, an instrument: the class of every sound of a source."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

import numpy as np

from seqlab.checks import require_number, require_positive
from seqlab.tasks.series_classification import SeriesClassification
from seqlab.tasks.sources.media import decode_sound
from seqlab.tasks.sources.sounds import frames
from seqlab.tasks.sources.table import Table


@dataclasses.dataclass(frozen=True)
class LabelledSounds(SeriesClassification):
    """Say which class a sound belongs to, read as frames: the logarithms of the energies in F bands.

    Attributes:
        rate: samples a second that every sound must have, in Hz.
        window: what a frame tells of, in milliseconds.
        hop: from one frame to the next, in milliseconds.
        num_mels: how many bands, F; of what they are, `sources.sounds.frames` tells.
    """

    instead: ClassVar[str] = "task=japanese_vowels"

    series: str = "audio"
    length: int = 500
    rate: int = 16_000
    window: float = 25.0
    hop: float = 10.0
    num_mels: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "rate", "num_mels")
        require_number(self, "window", 0.0)
        require_number(self, "hop", 0.0)
        self._frames(np.zeros(1))  # refuses what does not fit together

    def series_of(self, table: Table) -> list[np.ndarray]:
        table.require(series=self.series)
        return table.decoded(self.series, lambda file: self._frames(decode_sound(file, self.rate)))

    def prompted(self, text: str) -> dict[str, list[Path]]:
        """Name a file."""
        return {self.series: [Path(text)]}

    def _frames(self, samples: np.ndarray) -> np.ndarray:
        return frames(samples, self.rate, self.window, self.hop, self.num_mels)
