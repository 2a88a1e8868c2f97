"""Forecast of a generated series."""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.data.reader import Provenance
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.series.generator import Errors, SeriesGenerator
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Vectors


@dataclasses.dataclass(frozen=True)
class Forecast(Task):
    """Forecast a generated series w.

    Framings, with H the `horizon`: many_to_one reads w_0 … w_{T−1}, float32 `(B, T, 1)`, and writes
    w_{T−1+H}, `(B, 1)`; many_to_many writes w_{t+H} at each step t, `(B, T, 1)`; one_to_many reads the state
    at w_0, `(B, S)`, which determines the rest, and writes w_H … w_{H+T−1}, `(B, T, 1)`. Steps after the end
    of a sequence hold 0. The splits are separate random streams.

    Attributes:
        series: the generator of the series.
        length, min_length, curriculum: T (`Lengths`).
        horizon: H, the number of steps from the latest value to the forecast.
        num_evaluation_examples: the number of examples of an evaluation pass.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_many")

    series: SeriesGenerator
    length: int = 100
    min_length: int = 1
    curriculum: str = "fixed"
    horizon: int = 1
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "horizon")

    @property
    def name(self) -> str:
        """The name of the series."""
        return self.series.name

    @property
    def autoregressive(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether what many_to_many writes is what it reads next."""
        return self.horizon == 1

    def provenance(self) -> Provenance:
        return Provenance(self.series.origin, self.licence)

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.series.state_size if framing == "one_to_many" else 1)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def goal(self, framing: str) -> Goal:
        """Return the squared error; in one_to_many that of a network which reads its own forecasts."""
        metric = "free_running/mse" if framing == "one_to_many" else "mse"
        return Goal(metric, higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the simple predictors; the threshold is a tenth of the variance of the series."""
        return simple_reference(self, framing, split, threshold=0.1 * self.errors.mean)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse", "mae")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the simple predictors, and the forecast of the latest value where the network reads it."""
        found = super().baselines(split, framing)
        return found if framing == "one_to_many" else found | {"persistence": self.errors.persistence}

    @functools.cached_property
    def errors(self) -> Errors:
        """The squared errors of naive forecasts."""
        return self.series.errors(self.horizon, self.length + self.horizon, self.num_evaluation_examples)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        state, series = self.series.sample(key, len(lengths), self.length + self.horizon)
        real = jnp.arange(self.length) < lengths[:, None]
        past, following = (
            jnp.where(real, part, 0.0)[..., None]
            for part in (series[:, : self.length], series[:, self.horizon :])
        )
        if framing == "one_to_many":
            return Batch(state, following, real)
        if framing == "many_to_many":
            return Batch(past, following, real, lengths)
        last = jnp.take_along_axis(following[..., 0], lengths[:, None] - 1, axis=1)
        return Batch(past, last, jnp.ones(len(lengths), bool), lengths)
