"""Forecasts of what follows the end of series, one step after another."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import Network
from seqlab.architectures.readout import draw
from seqlab.runs.new_data import table_of
from seqlab.tasks.series._clock import following
from seqlab.tasks.series._scaled_series import ScaledSeries
from seqlab.tasks.series.series import Series
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Gaussians, Params

QUANTILES = (0.1, 0.5, 0.9)
"""The quantiles of a forecast distribution that are reported."""
NUM_PATHS = 200
"""The number of paths that are sampled from a forecast distribution."""


def forecast(task: Task, network: Network, params: Params, data: Any, steps: int | None, seed: int) -> Any:
    """Return the forecasts as a `pandas.DataFrame` (`TrainedRun.forecast`).

    Raises:
        ConfigError: the task forecasts no series, `steps` is not legal, or a series is too short.
    """
    if not isinstance(task, Series):
        raise ConfigError(f"task {task.name} forecasts no series: legal are tasks of {Series.__name__}")
    steps = task.horizon if steps is None else steps
    if steps < 1:
        raise ConfigError(f"steps must be a positive integer, got {steps}")
    if task.columns.inputs and steps > task.horizon:
        raise ConfigError(
            f"steps={steps}: task.inputs are not known after the end of a series, so steps is at most "
            f"task.horizon={task.horizon}"
        )
    found = task.scaled if data is None else task.new_series(table_of(task, data))
    for at, one in enumerate(found.series):
        if len(one.values) < task.window.reach:
            raise ConfigError(
                f"{_name(found, at)} has {len(one.values)} values, and a forecast reads at least "
                f"{task.window.reach}"
            )
    return _frame(task, found, _paths(task, network, params, found, steps, seed))


def _paths(
    task: Series, network: Network, params: Params, found: ScaledSeries, steps: int, seed: int
) -> np.ndarray:
    """Return forecast paths in the units in which series are read, `(N, P, M, K)`.

    Each forecast is appended to its path and read by those after it. P is 1 where no distribution is
    predicted.
    """
    window, predict, key = task.window, _predictor(network), jax.random.key(seed)
    num_paths = NUM_PATHS if isinstance(network.outputs, Gaussians) else 1
    known = np.stack([one.values[-window.reach :] for one in found.series])
    N, _, C = known.shape
    x = np.repeat(known, num_paths, axis=0)
    for step in range(steps):
        past = x[:, : x.shape[1] - (window.horizon - 1)]
        output = predict(params, jnp.asarray(window.inputs(past)), jax.random.fold_in(key, step))
        values = window.value(past, np.asarray(output, np.float64))
        unknown = np.full((len(x), C - window.num_values), np.nan)
        x = np.concatenate([x, np.concatenate([values, unknown], axis=1)[:, None]], axis=1)
    return x[:, -steps:, : window.num_values].reshape(N, num_paths, steps, window.num_values)


@functools.lru_cache(maxsize=4)
def _predictor(network: Network) -> Callable[[Params, jax.Array, jax.Array], jax.Array]:
    """Return the jitted function of parameters, windows `(B, T, C)` and a key that draws values `(B, K)`."""

    def predict(params: Params, inputs: jax.Array, key: jax.Array) -> jax.Array:
        inputs = inputs.reshape(len(inputs), -1) if network.framing == "one_to_one" else inputs
        unknown = jnp.zeros((len(inputs), 0))
        predictions = network.apply(params, Batch(inputs, unknown, unknown))
        last = predictions[:, -1] if network.framing == "many_to_many" else predictions
        return draw(network.outputs, key, last)

    return jax.jit(predict)


def _frame(task: Series, found: ScaledSeries, paths: np.ndarray) -> Any:
    """Return paths `(N, P, M, K)` as a frame, in the units of the data."""
    import pandas as pd

    columns, steps = task.columns, np.arange(1, paths.shape[2] + 1)
    frames = []
    for at, (one, units) in enumerate(zip(found.series, found.units, strict=True)):
        named: dict[str, Any] = {}
        if len(found.series) > 1 or one.name:
            named[columns.group or "series"] = _name(found, at)
        named["step"] = steps
        if columns.time is not None and one.times is not None:
            named[columns.time] = following(one.times, len(steps), columns.frequency)
        for k, column in enumerate(columns.values):
            values = paths[at, :, :, k] * units[k].size + units[k].mean
            named[column] = values.mean(axis=0)
            if len(values) > 1:
                for q, quantile in zip(QUANTILES, np.quantile(values, QUANTILES, axis=0), strict=True):
                    named[f"{column}_q{100 * q:.0f}"] = quantile
        frames.append(pd.DataFrame(named))
    return pd.concat(frames, ignore_index=True)


def _name(found: ScaledSeries, at: int) -> str:
    """Return the name of a series: that of its group, or its number."""
    return found.series[at].name or f"series {at + 1}"
