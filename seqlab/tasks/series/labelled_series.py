"""Classification of series of numbers: a speaker, a gesture, a digit."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from seqlab.checks import require_bool, require_positive
from seqlab.data.columns.series import Numbers, Series
from seqlab.data.encoded import Encoded
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.tasks._classification import GOAL, SCORED, class_names, scores_of_classes
from seqlab.tasks._sources import make_hashable, shown_field, source_field
from seqlab.tasks.new_rows import column_inputs
from seqlab.tasks.series._classification import FRAMINGS, SeriesClassification
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec


@dataclasses.dataclass(frozen=True)
class LabelledSeries(Task):
    """Say which class a series of numbers belongs to.

    A series is a list of numbers, F = 1, or a list of steps with F numbers each. See
    `SeriesClassification` for inputs and outputs.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose classes, means and deviations are used;
            None to take them from the training split.
        series: the column of series.
        label: the column of classes, or several, whose combinations are the classes.
        lengths: the column of the number of real steps, where series are padded; None where all are real.
        length: the number of steps that are read of a series at most, T.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        balance: whether every class is drawn equally often in training.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.
        length_buckets: the number of buckets by length; a batch is drawn from one and padded to its longest
            row. 1 draws from all rows.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as series and classes: one line names file, row and column.
    """

    framings: ClassVar[tuple[str, ...]] = FRAMINGS
    scored: ClassVar[tuple[str, ...]] = SCORED
    extras: ClassVar[tuple[str, ...]] = ("sklearn",)

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    series: str = "series"
    label: str | Sequence[str] = "label"
    lengths: str | None = None
    length: int = 256
    group: str | None = shown_field(None)
    balance: bool = shown_field(False)
    resident_bytes: int | None = shown_field(None)
    length_buckets: int = shown_field(1)

    def __post_init__(self) -> None:
        require_bool(self, "balance")
        make_hashable(self, "label")
        require_positive(self, "length", "length_buckets")

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=japanese_vowels or task=mnist1d")

    @functools.cached_property
    def _shared(self) -> SeriesClassification:
        column = Series("series", self.series, self.length, Numbers(self.lengths))
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
        """Read a series in JSON: `[0.1, 0.2]`, or `[[0.1, 2], [0.2, 3]]`."""
        try:
            steps = json.loads(text)
        except ValueError:
            steps = None
        if not isinstance(steps, list):
            raise ConfigError(f"prompt must be a list, as [[0.1, 2], [0.2, 3]], got {text!r}")
        return self.read_input(steps, framing)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "series", str(self.series))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Read a series, `(T,)` or `(T, F)`; a text is read as JSON."""
        if isinstance(value, str):
            return self.read_prompt(value, framing)
        lengths = {self.lengths: [len(value)]} if self.lengths else {}
        return self._shared.read_prompt(value, framing, lengths)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the names of classes."""
        return class_names(sequence, self.encoded.artifacts)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        return self._shared.gather(indices, split, framing, data)
