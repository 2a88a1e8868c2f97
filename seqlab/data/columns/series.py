"""Column of series of vectors: numbers, images read line by line, or sounds, standardised."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.media.images import decode_image
from seqlab.data.media.mel import LogMel
from seqlab.data.media.sounds import decode_sound
from seqlab.data.padding import pad
from seqlab.data.splits import digest
from seqlab.data.standardizer import Standardizer
from seqlab.data.table import Table


class Steps(NamedTuple):
    """A series `(T, F)`, and its identity: its digest, or that of the samples of a sound.

    Machines may round frames of a sound differently, and an example must stay in its split.
    """

    steps: np.ndarray
    identity: str


class Decoder(Protocol):
    """What a value of the column is; hashable by value."""

    def require(self, table: Table) -> None:
        """Raise ConfigError where a further column is missing."""

    def decode(self, table: Table, column: str) -> list[Steps]:
        """Return the series of each row: float `(T, F)`, at least one step, every value finite.

        Raises:
            ConfigError: a value is not such a series; one line names file, row and column.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Series(Column[Steps]):
    """Column of series: float32 `series` `(N, T, F)`, standardised, and int32 `lengths` `(N,)`.

    T is `length`, or the length of the longest series where that is less. Artifacts `mean` and `deviation`.

    Attributes:
        length: the number of steps that are read of a series at most.
        decoder: what a value is.
    """

    length: int
    decoder: Decoder

    def require(self, table: Table) -> None:
        super().require(table)
        self.decoder.require(table)

    def read(self, table: Table) -> list[Steps]:
        return self.decoder.decode(table, self.name)

    def identity(self, value: Steps) -> str:
        return value.identity

    def fit(self, train: Table) -> Artifacts:
        series = [value.steps for value in train.columns[self.key]]
        self._require_features(train, series[0].shape[1])
        return Standardizer.fit(steps[: self.length] for steps in series).artifacts()

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        standardizer = Standardizer.restore(artifacts)
        longest = max(len(value.steps) for table in tables.values() for value in table.columns[self.key])
        arrays = {}
        for name, table in tables.items():
            self._require_features(table, len(standardizer.mean))
            rows = [self.standardized(value.steps, standardizer) for value in table.columns[self.key]]
            series, lengths = pad(rows, min(self.length, longest))
            arrays[name] = {"series": series, "lengths": lengths}
        return arrays

    def read_one(self, value: Any, artifacts: Artifacts, further: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """Return the series of a value outside the source, such as a prompt: float32 `(T, F)`.

        Args:
            value: what a row has in the column.
            artifacts: what the column was fitted to.
            further: what the row has in other columns.

        Raises:
            ConfigError: the value is not a series, or does not fit the artifacts.
        """
        table = Table.of("prompt", {self.name: [value], **further})
        self.require(table)
        [steps] = self.read(table)
        standardizer = Standardizer.restore(artifacts)
        self._require_features(
            dataclasses.replace(table, columns={self.key: [steps]}), len(standardizer.mean)
        )
        return self.standardized(steps.steps, standardizer)

    def standardized(self, steps: np.ndarray, standardizer: Standardizer) -> np.ndarray:
        """Return the steps that are read of a series, standardised."""
        return standardizer.apply(steps[: self.length])

    def cut(self, values: Sequence[Steps]) -> np.ndarray:
        return np.array([len(value.steps) > self.length for value in values], bool)

    def counts(self, values: Sequence[Steps]) -> Mapping[str, int]:
        constant = sum(not np.ptp(value.steps, axis=0).any() for value in values)
        return {"constant": constant} if constant else {}

    def _require_features(self, table: Table, count: int) -> None:
        """Raise ConfigError where a row's series has another number of features than those of training."""
        for index, value in enumerate(table.columns[self.key]):
            if (found := value.steps.shape[1]) != count:
                complaint = f"must have {count} numbers a step, as those of training, got {found}"
                raise table.refusal(index, self.name, complaint)


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Lists of numbers, F = 1, or of steps with F numbers each.

    Attributes:
        lengths: the column of the number of real steps, where series are padded; None where all are real.
    """

    lengths: str | None = None

    def require(self, table: Table) -> None:
        """Raise ConfigError where the column of lengths is missing."""
        if self.lengths:
            table.require(lengths=self.lengths)

    def decode(self, table: Table, column: str) -> list[Steps]:
        """Return the series of each row."""
        table = dataclasses.replace(table, columns={**table.columns, column: table.lists(column)})
        found = [self._steps(table, column, index) for index in range(len(table))]
        return [Steps(steps, digest(steps)) for steps in found]

    def _steps(self, table: Table, column: str, index: int) -> np.ndarray:
        """Return one series, float64 `(T, F)`."""
        try:
            steps = np.asarray(table.columns[column][index], np.float64)
        except (TypeError, ValueError):
            steps = np.empty(())
        if steps.ndim not in (1, 2):
            complaint = "must be a list of numbers, or of steps with as many numbers each"
            raise table.refusal(index, column, complaint)
        if not steps.size:
            raise table.refusal(index, column, "the series is empty")
        if self.lengths:
            end = table.columns[self.lengths][index]
            if not (isinstance(end, (int, np.integer)) and 1 <= end <= len(steps)):
                complaint = (
                    f"must be an integer from 1 to {len(steps)}, the steps that there are, got {end!r}"
                )
                raise table.refusal(index, self.lengths, complaint)
            steps = steps[:end]
        steps = steps.reshape(len(steps), -1)
        finite = np.isfinite(steps)
        if not finite.all():
            at, feature = np.argwhere(~finite)[0]
            complaint = f"must hold finite numbers, got {steps[at, feature]}"
            raise table.refusal(index, f"{column}[{at}]", complaint)
        return steps


@dataclasses.dataclass(frozen=True)
class ImageSteps:
    """Images as series, from the top left corner: row by row or pixel by pixel.

    Attributes:
        by: "row" or "pixel", what one step holds.
        height: images of another size are resized to this height, in pixels.
        width: the width, in pixels.
        channels: 1 for grey, 3 for red, green and blue.
    """

    by: str
    height: int
    width: int
    channels: int

    def require(self, table: Table) -> None:
        """Need no further column."""

    def decode(self, table: Table, column: str) -> list[Steps]:
        """Return each image as float32 `(H, W·C)`, or pixel by pixel as `(H·W, C)`."""
        images = table.decoded(
            column, lambda value: decode_image(value, self.height, self.width, self.channels)
        )
        num_steps = self.height * (1 if self.by == "row" else self.width)
        series = [image.reshape(num_steps, -1) for image in images]
        return [Steps(steps, digest(steps)) for steps in series]


@dataclasses.dataclass(frozen=True)
class SoundFrames:
    """Sounds as series of log-mel frames.

    Attributes:
        mel: how frames are made of samples.
    """

    mel: LogMel

    def require(self, table: Table) -> None:
        """Need no further column."""

    def decode(self, table: Table, column: str) -> list[Steps]:
        """Return the frames of each sound, float32 `(T, F)`; its identity is the digest of its samples."""
        return table.decoded(column, self.decode_file)

    def decode_file(self, value: Any) -> Steps:
        """Return the frames of a file; raise ValueError as `decode_sound`."""
        samples = decode_sound(value, self.mel.rate)
        return Steps(self.mel.frames(samples), digest(samples))
