"""What a network reads of the past of a series to forecast one of its values."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Window:
    """The T inputs before a forecast, and what a forecast says of a value.

    With a lag k, a network reads and forecasts the differences w_t = x_t − x_{t−k} of the first K columns.

    Attributes:
        length: the number of inputs, T.
        horizon: the number of steps from the last input to the forecast, H.
        difference: k; 0 for the values themselves.
        num_values: the number of columns that are forecast, K.
    """

    length: int
    horizon: int
    difference: int
    num_values: int

    @property
    def reach(self) -> int:
        """The number of values before a forecast value that are needed: T + H − 1 + k."""
        return self.length + self.horizon - 1 + self.difference

    def differences(self, x: np.ndarray) -> np.ndarray:
        """Return what is read of series `(…, N, C)`: w of the K values that are forecast, and the others.

        The first k differences are NaN.
        """
        if not self.difference:
            return x
        K = self.num_values
        return np.concatenate([x[..., :K] - shifted(x[..., :K], self.difference), x[..., K:]], axis=-1)

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Return what is read to forecast the value H steps after the last of `(…, N, C)`: `(…, T, C)`."""
        latest = x[..., -self.length - self.difference :, :]
        return self.differences(latest)[..., -self.length :, :].astype(np.float32)

    def value(self, x: np.ndarray, forecast: np.ndarray) -> np.ndarray:
        """Return the value `(…, K)` that is forecast H steps after the last of `(…, N, C)`."""
        if not self.difference:
            return forecast
        return forecast + x[..., x.shape[-2] - 1 + self.horizon - self.difference, : self.num_values]


def shifted(x: np.ndarray, lag: int) -> np.ndarray:
    """Return what stood `lag` steps before each row of `(…, N, K)`; NaN where nothing did."""
    N = x.shape[-2]
    nothing = np.full((*x.shape[:-2], min(lag, N), x.shape[-1]), np.nan)
    return np.concatenate([nothing, x[..., : max(0, N - lag), :]], axis=-2)
