"""Daily returns of the Google stock, which are close to unpredictable."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.encoded import Encoded
from seqlab.registry import import_extra
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Vectors


@dataclasses.dataclass(frozen=True)
class GoogleStock(Task):
    """Predict the next daily return of the Google stock, 2004-08-19 to 2008-10-14.

        r_t = log(p_t / p_{t-1}) / s,   p the adjusted close,   s the standard deviation in training

    Returns are scaled but not shifted, so 0 means an unchanged price. They are split in order of time,
    70 / 15 / 15 %. All days of a window, and its targets, are in one split.

    Framings of a window of T + 1 days: many_to_one reads the first T, float32 `(B, T, 1)`, and writes the
    last, `(B, 1)`; one_to_one reads the same values at once, `(B, T)`; many_to_many writes the day after
    each, `(B, T, 1)`; one_to_many reads the first day, `(B, 1)`, and writes the others, `(B, T, 1)`.

    Attributes:
        length: T.

    Raises:
        ConfigError: `length` leaves no window in the shortest split, or matplotlib is not installed.

    Source: `goog.npz` of the sample data of Matplotlib.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many", "one_to_many", "one_to_one")
    origin: ClassVar[str] = "Matplotlib's sample data goog.npz"
    licence: ClassVar[str] = "Matplotlib licence"
    autoregressive: ClassVar[bool] = True

    length: int = 20

    def __post_init__(self) -> None:
        require_positive(self, "length")

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.length if framing == "one_to_one" else 1)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def goal(self, framing: str) -> Goal:
        """Return the squared error; in one_to_many that of a network which reads its own forecasts."""
        metric = "free_running/mse" if framing == "one_to_many" else "mse"
        return Goal(metric, higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the error of a price that never changes, which is a return of 0; the threshold is 5 % below.

        A run that reaches the threshold is a reason to look for a leak of test data.
        """
        baseline = self._error_of_constant(0.0, split, framing)
        return Reference(baseline, "persistence forecast", 0.95 * baseline)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse", "mae")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the squared errors of two constants: no change, and the mean return in training."""
        constants = {
            "persistence": 0.0,
            "mean training return": float(self.encoded.arrays["train"]["returns"].mean()),
        }
        return {name: self._error_of_constant(value, split, framing) for name, value in constants.items()}

    def _error_of_constant(self, value: float, split: str, framing: str) -> float:
        every = jnp.arange(self.num_examples(split, framing))
        targets = self.gather(every, split, framing, self.data).targets
        return float(jnp.mean((targets - value) ** 2))

    @functools.cached_property
    def encoded(self) -> Encoded:
        """The float32 `returns` `(N,)` of each split, in units of their standard deviation in training."""
        path = import_extra("matplotlib.cbook").get_sample_data("goog.npz", asfileobj=False)
        with np.load(path) as file:
            prices = file["price_data"]["adj_close"]
        returns = np.diff(np.log(prices))
        first, second = len(returns) * 70 // 100, len(returns) * 85 // 100
        returns = (returns / returns[:first].std()).astype(np.float32)
        parts = {"train": returns[:first], "validation": returns[first:second], "test": returns[second:]}
        shortest = min(map(len, parts.values()))
        if self.length >= shortest:
            raise ConfigError(f"task.length: legal values are 1 to {shortest - 1}, got {self.length}")
        return Encoded({split: {"returns": found} for split, found in parts.items()})

    def num_examples(self, split: str, framing: str) -> int:
        return self.encoded.num_rows(split) - self.length

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        """Return the windows that start at int32 `indices` `(B,)`."""
        windows = data[split]["returns"][indices[:, None] + jnp.arange(self.length + 1)]
        past, following = windows[:, :-1, None], windows[:, 1:, None]
        if framing in ("many_to_many", "one_to_many"):
            inputs = past if framing == "many_to_many" else past[:, 0]
            return Batch(inputs, following, mask=jnp.ones(following.shape[:2], bool))
        inputs = past[..., 0] if framing == "one_to_one" else past
        return Batch(inputs, following[:, -1], mask=jnp.ones(indices.shape, bool))
