"""Forecast of series of a user's own source."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_count, require_positive
from seqlab.data.artifacts import grows, load_artifacts
from seqlab.data.encoded import Deferred, Encoded
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.tasks._inputs import numbers_text
from seqlab.tasks._sources import make_hashable, source_field
from seqlab.tasks.series._scaled_series import ScaledSeries, new_series, scaled_series
from seqlab.tasks.series._time_series import SeriesColumns, Unit, finite
from seqlab.tasks.series._window import Window, shifted
from seqlab.tasks.task import SPLITS, Task
from seqlab.types import Batch, ConfigError, Gaussians, Goal, Reference, Spec, Vectors

_MAX_NAMED = 20
"""The number of groups at most that are reported one by one."""
NAIVE = ("persistence", "seasonal naive", "seasonal naive and the rise since")


@dataclasses.dataclass(frozen=True)
class Series(Task):
    """Forecast series of a source: rows of numbers in order of time, or a column of lists, each a series.

    Rows are sorted by `time`; those of one `group` are a series, and no window crosses groups. A series x is
    read in units of the training error of its seasonal naive forecast, shifted to mean 0 there, and with
    `difference` k as x_t − x_{t−k}. So the absolute error of a forecast is its MASE:

        MASE = mean |x_t − x̂_t| / mean_{training} |x_t − x_{t−m}|,   m the season

    Splits are in order of time: those of the source, else 70, 15 and 15 % of each series. No value is
    forecast in two splits; the inputs of a forecast may lie in the split before. Where rows are lists, the
    validation and test splits of the source hold each series from its start, as forecasting sets of the hub
    do.

    Framings, with H the horizon, K the number of values that are forecast and C that of values that are
    read: many_to_one reads w_{t−T+1} … w_t, float32 `(B, T, C)`, and writes w_{t+H}, `(B, K)`; one_to_one
    reads them at once, `(B, T·C)`; many_to_many writes at every step the values H steps later, `(B, T, K)`.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose units are used; None to measure them.
        value: the column of numbers or lists, or several columns of numbers.
        time: the column of times, numbers or dates, by which rows are sorted; None where they are in order.
        frequency: an offset alias of pandas, such as D or MS, to which rows are resampled by their means;
            None to refuse rows that are not evenly spaced.
        group: the column whose rows of equal value are one series; None where all are.
        inputs: columns of numbers that are read beside the values, in units of their standard deviation.
        length: the number of steps that are read, T.
        horizon: the number of steps from the last input to the forecast, H.
        season: steps of a season, m; 1 for none.
        difference: the lag k of the differences that are read and forecast; 0 for the values themselves.
        distribution: "gaussian" to forecast a mean and a standard deviation of every value; None for the
            value alone.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as numbers, or no window fits: one line says where.

    Source: of MASE, R. Hyndman & A. Koehler, "Another look at measures of forecast accuracy", International
        Journal of Forecasting 22(4), 2006.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_one")
    scored: ClassVar[tuple[str, ...]] = ("mase_of_series",)

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    value: str | Sequence[str] = "value"
    time: str | None = None
    frequency: str | None = None
    group: str | None = None
    inputs: Sequence[str] = ()
    length: int = 24
    horizon: int = 1
    season: int = 1
    difference: int = 0
    distribution: str | None = None

    def __post_init__(self) -> None:
        make_hashable(self, "value", "inputs")
        if not self.columns.values:
            raise ValueError("value must name at least one column")
        if self.frequency is not None and self.time is None:
            raise ValueError(f"frequency={self.frequency} needs time, the column of times")
        require_positive(self, "length", "horizon", "season")
        require_count(self, "difference")
        if self.distribution not in (None, "gaussian"):
            raise ValueError(f"distribution must be null or gaussian, got {self.distribution}")
        if 0 < self.difference < self.horizon:  # the value to add to the forecast would not be known yet
            raise ValueError(
                f"difference must be 0 or at least horizon={self.horizon}, got {self.difference}"
            )

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=sunspots or task=co2")

    @property
    def columns(self) -> SeriesColumns:
        """The columns of the source that hold series."""
        values = (self.value,) if isinstance(self.value, str) else tuple(self.value)
        inputs = (self.inputs,) if isinstance(self.inputs, str) else tuple(self.inputs)
        return SeriesColumns(values, inputs, self.time, self.frequency, self.group)

    @property
    def _sizes(self) -> tuple[int, int]:
        """The number of values that are forecast, K, and that are read, C."""
        columns = self.columns
        return len(columns.values), len(columns.values) + len(columns.inputs)

    @property
    def window(self) -> Window:
        """What is read to forecast a value."""
        return Window(self.length, self.horizon, self.difference, self._sizes[0])

    @functools.cached_property
    def encoded(self) -> Encoded:
        """The float32 values `(N, C)` of all series one after another, the int32 split of each, and targets.

        `targets` of a split are the int32 places of the values that it forecasts. The artifact `units` holds
        mean and size of every column of each series.
        """
        if (artifacts := load_artifacts(self.vocabulary)) is None:
            return self._read
        if grows(self.vocabulary):
            return dataclasses.replace(self._read, artifacts=self.scaled.added_to(artifacts))
        return Encoded(Deferred(lambda: self._read.arrays), artifacts, Deferred(lambda: self._read.summary))

    @functools.cached_property
    def _read(self) -> Encoded:
        series = self.scaled.series
        values, parts, offset = [], [], 0
        targets: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
        first = self._first_target
        for _, x, begins, _ in series:
            values.append(self.window.differences(x))
            parts.append(np.searchsorted(begins, np.arange(len(x)), side="right"))
            for split, start, stop in zip(SPLITS, (0, *begins), (*begins, len(x)), strict=True):
                targets[split].append(offset + np.arange(max(start, first), max(stop, first)))
            offset += len(x)
        places = {split: np.concatenate(found).astype(np.int32) for split, found in targets.items()}
        for split, found in places.items():
            if not len(found) and (split == "test" or self.vocabulary is None):
                raise ConfigError(
                    f"task.length={self.length} leaves no window in the split {split} of {self.source}"
                )
        joined = np.nan_to_num(np.concatenate(values)).astype(np.float32)
        shared = {"values": joined, "parts": np.concatenate(parts).astype(np.int32)}
        return Encoded(
            {**{split: {"targets": found} for split, found in places.items()}, "series": shared},
            artifacts=self.scaled.artifacts,
            summary={split: len(found) for split, found in places.items()} | {"series": len(series)},
        )

    @property
    def _first_target(self) -> int:
        """The first place of a series whose inputs and naive forecasts are all known."""
        return max(self.window.reach, self._seasons_back + self.horizon)

    @property
    def _seasons_back(self) -> int:
        """The least number of whole seasons that reach back over the horizon, in steps."""
        return self.season * math.ceil(self.horizon / self.season)

    @property
    def scaled(self) -> ScaledSeries:
        """The series of the source in the units in which they are read."""
        return scaled_series(self.reader, self.columns, self.season, self.vocabulary)

    def input_spec(self, framing: str) -> Spec:
        C = self._sizes[1]
        return Vectors(self.length * C if framing == "one_to_one" else C)

    def output_spec(self, framing: str) -> Spec:
        K = self._sizes[0]
        return Vectors(K) if self.distribution is None else Gaussians(K)

    def goal(self, framing: str) -> Goal:
        return Goal("mase", higher_is_better=False)

    def metrics(self, framing: str) -> tuple[str, ...]:
        of_distribution = () if self.distribution is None else ("crps", "coverage_90")
        return ("mase", "mse", *of_distribution)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return the mean of the MASE of each series, and that of each group of a few by its name."""
        series = self.scaled.series
        ends = np.cumsum([len(values) for _, values, *_ in series])
        of_row = np.searchsorted(ends, self.encoded.arrays[split]["targets"], side="right")
        errors = np.where(mask, np.abs(predictions - targets).mean(axis=-1), np.nan)
        found = {at: float(np.nanmean(errors[of_row == at])) for at in np.unique(of_row).tolist()}
        mean = {"mase_of_series": float(np.mean(list(found.values())))}
        if self.group is None or len(found) > _MAX_NAMED:
            return mean
        return mean | {f"mase/{series[at].name}": value for at, value in found.items()}

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the MASE of the best naive forecast; the threshold is a tenth below it."""
        naive = self.baselines(split, framing)
        best = min(naive, key=naive.__getitem__)
        return Reference(naive[best], best, 0.9 * naive[best])

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the MASE of naive forecasts.

        They are the last value that is read, x_t; the latest value of the same place in the season,
        x_{t+H−m} (m ≥ H, else whole seasons back); and that one plus what the last value exceeds that of a
        season before it by.
        """
        at = self.encoded.arrays[split]["targets"]
        if framing == "many_to_many":
            at = (at[:, None] + np.arange(1 - self.length, 1)).ravel()
            at = at[self.encoded.arrays["series"]["parts"][at] == SPLITS.index(split)]
        K = self._sizes[0]
        errors = [self._naive_errors(x[:, :K]) for _, x, *_ in self.scaled.series]
        return {name: float(np.concatenate([e[name] for e in errors])[at].mean()) for name in NAIVE}

    def _naive_errors(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return the absolute errors of the naive forecasts of the values of a series, `(N, K)`."""
        persistence, seasonal = shifted(x, self.horizon), shifted(x, self._seasons_back)
        rise = shifted(x - seasonal, self.horizon)
        forecasts = zip(NAIVE, (persistence, seasonal, seasonal + rise), strict=True)
        return {name: np.abs(x - forecast) for name, forecast in forecasts}

    def new_series(self, table: Table) -> ScaledSeries:
        """Return the series of a file, to be forecast, in the units of the run."""
        return new_series(table, self.columns, self.season, self.encoded.artifacts)

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Turn numbers in order of time into the last T inputs; they are separated as in `1 2` or `[1, 2]`.

        Raises:
            ConfigError: a word is not a number, or there are fewer than T + k numbers.
        """
        past = self.window.inputs(self._read_numbers(text)[0])
        return past.ravel() if framing == "one_to_one" else past

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Read numbers in order of time: a text of them, a list or an array `(T,)`."""
        return self.read_prompt(value if isinstance(value, str) else numbers_text(value), framing)

    def render_answer(self, answer: np.ndarray, prompt: str, framing: str) -> str:
        """Return the forecast of the value H steps after the prompt, in the units of the prompt."""
        x, unit = self._read_numbers(prompt)
        [forecast] = self.window.value(x, np.ravel(answer)[-1:])
        return f"{forecast * unit.size + unit.mean:.6g}"

    def _read_numbers(self, prompt: str) -> tuple[np.ndarray, Unit]:
        """Return the numbers of a prompt, `(N, 1)`, in the unit of the series, or of several in their own."""
        if self._sizes != (1, 1):
            raise ConfigError(f"prompt: {self.name} with several columns takes none")
        numbers = prompt.strip().removeprefix("[").removesuffix("]")
        words, least = numbers.replace(",", " ").split(), self.length + self.difference
        x = finite(words, lambda at, complaint: ConfigError(f"prompt: number {at + 1} {complaint}"))
        if len(x) < least:
            raise ConfigError(f"prompt: {self.name} reads at least {least} numbers, got {len(x)}")
        units = self.encoded.artifacts["units"]
        unit = Unit(*units[0][0]) if len(units) == 1 else Unit.of(x, self.season)
        if not unit.size:
            raise ConfigError(f"prompt: the numbers never change over a season of {self.season}")
        return unit.apply(x)[:, None], unit

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        at = data[split]["targets"][indices][:, None] + jnp.arange(1 - self.length, 1)
        values, parts = data["series"]["values"], data["series"]["parts"]
        past, ahead = values[at - self.horizon], values[at][..., : self._sizes[0]]
        if framing == "many_to_many":
            return Batch(past, ahead, parts[at] == SPLITS.index(split))
        inputs = past.reshape(len(indices), -1) if framing == "one_to_one" else past
        return Batch(inputs, ahead[:, -1], jnp.ones(indices.shape, bool))
