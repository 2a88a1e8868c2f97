"""Can it forecast a series of yours? Values ahead, beside the last value and that of a season ago."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_count, require_positive
from seqlab.data.reading import stamp
from seqlab.tasks._data_task import SourceTask
from seqlab.tasks.series._courses import Unit, courses_of, finite
from seqlab.tasks.task import SPLITS
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Vectors

NAIVE = ("persistence", "seasonal naive", "seasonal naive and the rise since")


class _Read(NamedTuple):
    """Series as they are read by a network and by naive forecasts."""

    values: np.ndarray
    parts: np.ndarray
    targets: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    units: list[Unit]
    account: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Series(SourceTask):
    """Forecast series of a source: a column of numbers in order of time, or a column of lists, each a series.

    A series x is told in units of what the seasonal naive forecast errs by in training, of mean 0 there, and
    with `difference` k as x_t − x_{t−k}. So the absolute error of a forecast is its MASE:

        MASE = mean |x_t − x̂_t| / mean_{training} |x_t − x_{t−m}|,   m the season

    Splits are in order of time: those of the source, else 70, 15 and 15 % of each series. No value is
    forecast in two of them; what is read for a forecast may lie in the split before. Where rows are lists,
    the source's validation and test hold each series from its start, as the hub's forecasting sets do.

    Framings, with H the horizon: many_to_one reads w_{t−T+1} … w_t, float32 `(B, T, 1)`, and writes w_{t+H},
    `(B, 1)`; one_to_one reads them at once, `(B, T)`; many_to_many writes at every step what is H ahead,
    `(B, T, 1)`.

    Attributes:
        value: the column.
        length: steps that are read, T.
        horizon: how many steps ahead a forecast looks, H.
        season: steps of a season, m; 1 for none.
        difference: the lag k of the differences that are read and forecast; 0 for the values themselves.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as numbers, or no window fits: one line says where.

    Source: of MASE, R. Hyndman & A. Koehler, "Another look at measures of forecast accuracy", International
        Journal of Forecasting 22(4), 2006.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_one")
    instead: ClassVar[str] = "task=sunspots or task=co2"

    value: str = "value"
    length: int = 24
    horizon: int = 1
    season: int = 1
    difference: int = 0

    def __post_init__(self) -> None:
        require_positive(self, "length", "horizon", "season")
        require_count(self, "difference")
        if 0 < self.difference < self.horizon:  # the value to add back would lie ahead
            raise ValueError(
                f"difference must be 0 or at least horizon={self.horizon}, got {self.difference}"
            )

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.length if framing == "one_to_one" else 1)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def goal(self, framing: str) -> Goal:
        return Goal("mase", higher_is_better=False)

    def reference(self, framing: str) -> Reference:
        """Return the MASE of the best naive forecast; the threshold is 10 % below it."""
        naive = self.baselines("test", framing)
        best = min(naive, key=naive.__getitem__)
        return Reference(naive[best], best, 0.9 * naive[best])

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mase", "mse")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the MASE of naive forecasts.

        They are the last value read, x_t; the latest one of the season to forecast, x_{t+H−m} (m ≥ H, else
        whole seasons back); and that one, raised as the last value is over the one of its season.
        """
        at = self._read.targets[split]
        if framing == "many_to_many":
            at = (at[:, None] + np.arange(1 - self.length, 1)).ravel()
            at = at[self._read.parts[at] == SPLITS.index(split)]
        return {name: float(errors[at].mean()) for name, errors in self._read.errors.items()}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Turn numbers, in order of time and apart by white space or commas, into the last T to be read.

        Raises:
            ConfigError: a word is no number, or there are less than T + k of them.
        """
        x, _ = self._told(text)
        past = (x - _shifted(x, self.difference) if self.difference else x)[-self.length :]
        return (past if framing == "one_to_one" else past[:, None]).astype(np.float32)

    def render_answer(self, answer: np.ndarray, prompt: str, framing: str) -> str:
        """Show the forecast of the value H steps after the prompt, in the prompt's own measure."""
        x, unit = self._told(prompt)
        forecast = np.ravel(answer)[-1]
        if self.difference:
            forecast += x[len(x) - 1 + self.horizon - self.difference]
        return f"{forecast * unit.size + unit.mean:.6g}"

    def _told(self, prompt: str) -> tuple[np.ndarray, Unit]:
        """Return a prompt's numbers in units of the series, or where there are several, in their own."""
        words, least = prompt.replace(",", " ").split(), self.length + self.difference
        x = finite(words, lambda at, told: ConfigError(f"--prompt: number {at + 1} {told}"))
        if len(x) < least:
            raise ConfigError(f"--prompt: {self.name} reads at least {least} numbers, got {len(x)}")
        units = self._read.units
        unit = units[0] if len(units) == 1 else Unit.of(x, self.season)
        if not unit.size:
            raise ConfigError(f"--prompt: the numbers never change over a season of {self.season}")
        return (x - unit.mean) / unit.size, unit

    def data_summary(self) -> Mapping[str, Any]:
        return self._read.account

    @functools.cached_property
    def _read(self) -> _Read:
        return _read(self, stamp(self.source))

    def load(self) -> dict[str, np.ndarray]:
        """Return the float32 values of all series; int32, the split of each, and what each forecasts."""
        return {"values": self._read.values, "parts": self._read.parts, **self._read.targets}

    def num_examples(self, split: str, framing: str) -> int:
        return len(self._read.targets[split])

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        at = data[split][indices][:, None] + jnp.arange(1 - self.length, 1)
        past, ahead = data["values"][at - self.horizon], data["values"][at]
        if framing == "many_to_many":
            own = data["parts"][at] == SPLITS.index(split)
            return Batch(past[..., None], ahead[..., None], own)
        inputs = past if framing == "one_to_one" else past[..., None]
        return Batch(inputs, ahead[:, -1:], jnp.ones(indices.shape, bool))


@functools.lru_cache(maxsize=4)
def _read(task: Series, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    values, parts, units, targets = [], [], [], {split: [] for split in SPLITS}
    errors: dict[str, list[np.ndarray]] = {name: [] for name in NAIVE}
    offset, k, H, m = 0, task.difference, task.horizon, task.season
    courses = courses_of(task.tables(), task.value)
    for x, begins in courses:
        units.append(Unit.of(x[: begins[0]], m))
        if not units[-1].size:
            raise ConfigError(
                f"task.season={m}: in training, a series of {len(x)} values from {task.source} has no season "
                "or never changes over one"
            )
        x = (x - units[-1].mean) / units[-1].size
        back = m * math.ceil(H / m)
        naive = _shifted(x, H), _shifted(x, back)
        rise = _shifted(x - _shifted(x, back), H)
        for name, forecast in zip(NAIVE, (*naive, naive[1] + rise), strict=True):
            errors[name].append(np.abs(x - forecast))
        values.append(x - _shifted(x, k) if k else x)
        parts.append(np.searchsorted(begins, np.arange(len(x)), side="right"))
        first = max(k + task.length + H - 1, back + H)
        for split, start, stop in zip(SPLITS, (0, *begins), (*begins, len(x)), strict=True):
            targets[split].append(offset + np.arange(max(start, first), max(stop, first)))
        offset += len(x)
    places = {split: np.concatenate(found).astype(np.int32) for split, found in targets.items()}
    for split, found in places.items():
        if not len(found):
            raise ConfigError(
                f"task.length={task.length} leaves no window in the split {split} of {task.source}"
            )
    account = {split: len(found) for split, found in places.items()} | {"series": len(courses)}
    joined = np.nan_to_num(np.concatenate(values)).astype(np.float32)
    return _Read(
        joined,
        np.concatenate(parts).astype(np.int32),
        places,
        {name: np.concatenate(e) for name, e in errors.items()},
        units,
        account,
    )


def _shifted(x: np.ndarray, lag: int) -> np.ndarray:
    """Return what stood `lag` steps before each value; NaN where nothing did."""
    return np.concatenate([np.full(min(lag, len(x)), np.nan), x[: max(0, len(x) - lag)]])
