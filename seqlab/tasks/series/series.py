"""Forecast of series of a user's own source."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_count, require_positive
from seqlab.data.encoded import Encoded
from seqlab.data.reader import Reader
from seqlab.tasks._inputs import numbers_text
from seqlab.tasks._sources import source_field
from seqlab.tasks.series._time_series import TimeSeries, Unit, finite, time_series
from seqlab.tasks.task import SPLITS, Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Vectors

NAIVE = ("persistence", "seasonal naive", "seasonal naive and the rise since")


@dataclasses.dataclass(frozen=True)
class Series(Task):
    """Forecast series of a source: a column of numbers in order of time, or a column of lists, each a series.

    A series x is read in units of the training error of its seasonal naive forecast, shifted to mean 0 there,
    and with `difference` k as x_t − x_{t−k}. So the absolute error of a forecast is its MASE:

        MASE = mean |x_t − x̂_t| / mean_{training} |x_t − x_{t−m}|,   m the season

    Splits are in order of time: those of the source, else 70, 15 and 15 % of each series. No value is
    forecast in two splits; the inputs of a forecast may lie in the split before. Where rows are lists, the
    validation and test splits of the source hold each series from its start, as forecasting sets of the hub
    do.

    Framings, with H the horizon: many_to_one reads w_{t−T+1} … w_t, float32 `(B, T, 1)`, and writes w_{t+H},
    `(B, 1)`; one_to_one reads them at once, `(B, T)`; many_to_many writes at every step the value H steps
    later, `(B, T, 1)`.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        value: the column of numbers or lists.
        length: the number of steps that are read, T.
        horizon: the number of steps from the last input to the forecast, H.
        season: steps of a season, m; 1 for none.
        difference: the lag k of the differences that are read and forecast; 0 for the values themselves.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as numbers, or no window fits: one line says where.

    Source: of MASE, R. Hyndman & A. Koehler, "Another look at measures of forecast accuracy", International
        Journal of Forecasting 22(4), 2006.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_one")

    source: str | None = source_field()
    config: str | None = source_field()
    value: str = "value"
    length: int = 24
    horizon: int = 1
    season: int = 1
    difference: int = 0

    def __post_init__(self) -> None:
        require_positive(self, "length", "horizon", "season")
        require_count(self, "difference")
        if 0 < self.difference < self.horizon:  # the value to add to the forecast would not be known yet
            raise ValueError(
                f"difference must be 0 or at least horizon={self.horizon}, got {self.difference}"
            )

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=sunspots or task=co2")

    @functools.cached_property
    def encoded(self) -> Encoded:
        """The float32 values of all series one after another, the int32 split of each, and the targets.

        `targets` of a split are the int32 places of the values that it forecasts.
        """
        series = self._scaled.series
        values, parts, offset = [], [], 0
        targets: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
        first = self._first_target
        for x, begins in series:
            values.append(x - _shifted(x, self.difference) if self.difference else x)
            parts.append(np.searchsorted(begins, np.arange(len(x)), side="right"))
            for split, start, stop in zip(SPLITS, (0, *begins), (*begins, len(x)), strict=True):
                targets[split].append(offset + np.arange(max(start, first), max(stop, first)))
            offset += len(x)
        places = {split: np.concatenate(found).astype(np.int32) for split, found in targets.items()}
        for split, found in places.items():
            if not len(found):
                raise ConfigError(
                    f"task.length={self.length} leaves no window in the split {split} of {self.source}"
                )
        joined = np.nan_to_num(np.concatenate(values)).astype(np.float32)
        shared = {"values": joined, "parts": np.concatenate(parts).astype(np.int32)}
        return Encoded(
            {**{split: {"targets": found} for split, found in places.items()}, "series": shared},
            summary={split: len(found) for split, found in places.items()} | {"series": len(series)},
        )

    @property
    def _first_target(self) -> int:
        """The first place of a series whose inputs and naive forecasts are all known."""
        inputs = self.difference + self.length + self.horizon - 1
        return max(inputs, self._seasons_back + self.horizon)

    @property
    def _seasons_back(self) -> int:
        """The least number of whole seasons that reach back over the horizon, in steps."""
        return self.season * math.ceil(self.horizon / self.season)

    @property
    def _scaled(self) -> _Scaled:
        return _scaled(self.reader, str(self.value), self.season, self.reader.stamp())

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.length if framing == "one_to_one" else 1)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def goal(self, framing: str) -> Goal:
        return Goal("mase", higher_is_better=False)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mase", "mse")

    def reference(self, framing: str) -> Reference:
        """Return the MASE of the best naive forecast; the threshold is a tenth below it."""
        naive = self.baselines("test", framing)
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
        errors = [self._naive_errors(x) for x, _ in self._scaled.series]
        return {name: float(np.concatenate([e[name] for e in errors])[at].mean()) for name in NAIVE}

    def _naive_errors(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return the absolute errors of the naive forecasts of each value of a series, `(N,)`."""
        persistence, seasonal = _shifted(x, self.horizon), _shifted(x, self._seasons_back)
        rise = _shifted(x - seasonal, self.horizon)
        forecasts = zip(NAIVE, (persistence, seasonal, seasonal + rise), strict=True)
        return {name: np.abs(x - forecast) for name, forecast in forecasts}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Turn numbers, in order of time and separated by white space or commas, into the last T inputs.

        Raises:
            ConfigError: a word is not a number, or there are fewer than T + k numbers.
        """
        x, _ = self._read_numbers(text)
        past = (x - _shifted(x, self.difference) if self.difference else x)[-self.length :]
        return (past if framing == "one_to_one" else past[:, None]).astype(np.float32)

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Read numbers in order of time: a text of them, a list or an array `(T,)`."""
        return self.read_prompt(value if isinstance(value, str) else numbers_text(value), framing)

    def render_answer(self, answer: np.ndarray, prompt: str, framing: str) -> str:
        """Return the forecast of the value H steps after the prompt, in the units of the prompt."""
        x, unit = self._read_numbers(prompt)
        forecast = np.ravel(answer)[-1]
        if self.difference:
            forecast += x[len(x) - 1 + self.horizon - self.difference]
        return f"{forecast * unit.size + unit.mean:.6g}"

    def _read_numbers(self, prompt: str) -> tuple[np.ndarray, Unit]:
        """Return the numbers of a prompt in the unit of the series; of several series, in their own unit."""
        words, least = prompt.replace(",", " ").split(), self.length + self.difference
        x = finite(words, lambda at, complaint: ConfigError(f"--prompt: number {at + 1} {complaint}"))
        if len(x) < least:
            raise ConfigError(f"--prompt: {self.name} reads at least {least} numbers, got {len(x)}")
        units = self._scaled.units
        unit = units[0] if len(units) == 1 else Unit.of(x, self.season)
        if not unit.size:
            raise ConfigError(f"--prompt: the numbers never change over a season of {self.season}")
        return unit.apply(x), unit

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        at = data[split]["targets"][indices][:, None] + jnp.arange(1 - self.length, 1)
        values, parts = data["series"]["values"], data["series"]["parts"]
        past, ahead = values[at - self.horizon], values[at]
        if framing == "many_to_many":
            return Batch(past[..., None], ahead[..., None], parts[at] == SPLITS.index(split))
        inputs = past if framing == "one_to_one" else past[..., None]
        return Batch(inputs, ahead[:, -1:], jnp.ones(indices.shape, bool))


class _Scaled(NamedTuple):
    """The series of a source in their units."""

    series: list[TimeSeries]
    units: list[Unit]


@functools.lru_cache(maxsize=4)
def _scaled(reader: Reader, column: str, season: int, _: Any) -> _Scaled:
    """Read a source; the last argument changes when the source does."""
    series, units = [], []
    for values, begins in time_series(reader.tables(), column):
        unit = Unit.of(values[: begins[0]], season)
        if not unit.size:
            raise ConfigError(
                f"task.season={season}: in training, a series of {len(values)} values from {reader.source} "
                "has no season or never changes over one"
            )
        series.append(TimeSeries(unit.apply(values), begins))
        units.append(unit)
    return _Scaled(series, units)


def _shifted(x: np.ndarray, lag: int) -> np.ndarray:
    """Return what stood `lag` steps before each value; NaN where nothing did."""
    return np.concatenate([np.full(min(lag, len(x)), np.nan), x[: max(0, len(x) - lag)]])
