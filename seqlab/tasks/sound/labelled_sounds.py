"""Classification of sounds: a word, a speaker, an instrument."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np

from seqlab.checks import require_bool, require_positive
from seqlab.data.columns.series import Series, SoundFrames
from seqlab.data.encoded import Encoded
from seqlab.data.media.mel import LogMel
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.tasks._classification import GOAL, SCORED, class_names, scores_of_classes
from seqlab.tasks._sources import make_hashable, shown_field, source_field
from seqlab.tasks.new_rows import column_inputs
from seqlab.tasks.series._classification import FRAMINGS, SeriesClassification
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec


@dataclasses.dataclass(frozen=True)
class LabelledSounds(Task):
    """Say which class a sound belongs to, read as log-mel frames (`data.media.mel`).

    See `SeriesClassification` for inputs and outputs.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose classes, means and deviations are used;
            None to take them from the training split.
        series: the column of sounds.
        label: the column of classes, or several, whose combinations are the classes.
        length: the number of frames that are read of a sound at most, T.
        rate: the sampling rate that every sound must have, in Hz.
        window: the duration of the window of a frame, in milliseconds.
        hop: the time from one frame to the next, in milliseconds.
        num_mels: the number of bands, F.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        balance: whether every class is drawn equally often in training.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.
        length_buckets: the number of buckets by length; a batch is drawn from one and padded to its longest
            row. 1 draws from all rows.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as sounds and classes: one line names file, row and column.
    """

    framings: ClassVar[tuple[str, ...]] = FRAMINGS
    scored: ClassVar[tuple[str, ...]] = SCORED
    extras: ClassVar[tuple[str, ...]] = ("sklearn",)

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    series: str = "audio"
    label: str | Sequence[str] = "label"
    length: int = 500
    rate: int = 16_000
    window: float = 25.0
    hop: float = 10.0
    num_mels: int = 40
    group: str | None = shown_field(None)
    balance: bool = shown_field(False)
    resident_bytes: int | None = shown_field(None)
    length_buckets: int = shown_field(1)

    def __post_init__(self) -> None:
        require_bool(self, "balance")
        make_hashable(self, "label")
        require_positive(self, "length", "length_buckets")
        _ = self._mel

    @property
    def _mel(self) -> LogMel:
        return LogMel(self.rate, self.window, self.hop, self.num_mels)

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=japanese_vowels")

    @functools.cached_property
    def _shared(self) -> SeriesClassification:
        column = Series("series", self.series, self.length, SoundFrames(self._mel))
        return SeriesClassification(
            self.reader, column, self.label, self.vocabulary, self.group, self.resident_bytes
        )

    @functools.cached_property
    def encoded(self) -> Encoded:
        return self._shared.encoded

    def input_spec(self, framing: str) -> Spec:
        return self._shared.input_spec(framing)

    def output_spec(self, framing: str) -> Spec:
        return self._shared.output_spec()

    def goal(self, framing: str) -> Goal:
        return GOAL

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        return scores_of_classes(predictions, targets, mask)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return self._shared.reference(split)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        return self._shared.baselines(split)

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read a sound file."""
        return self._shared.read_prompt(Path(text), framing)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "series", str(self.series))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Read a file: its path, or `{"bytes": …, "path": …}` as a data set of the hub holds it."""
        return self._shared.read_prompt(Path(value) if isinstance(value, str) else value, framing)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the names of classes."""
        return class_names(sequence, self.encoded.artifacts)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        return self._shared.gather(indices, split, framing, data)
