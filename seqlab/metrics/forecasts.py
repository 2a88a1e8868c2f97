"""Scale of forecast errors."""

from __future__ import annotations

import numpy as np


def seasonal_naive_error(values: np.ndarray, season: int) -> float:
    """Return the mean absolute error of the seasonal naive forecast: mean |x_t − x_{t−m}|.

    It is the unit of the mean absolute scaled error:

        MASE = mean |x_t − x̂_t| / mean_{training} |x_t − x_{t−m}|

    Args:
        values: the training part of a series, `(N,)`.
        season: m, in steps; 1 for none.

    Returns:
        The error; 0 where the series is not longer than a season.

    Source: R. Hyndman & A. Koehler, "Another look at measures of forecast accuracy", International Journal of
        Forecasting 22(4), 2006.
    """
    if len(values) <= season:
        return 0.0
    return float(np.abs(values[season:] - values[:-season]).mean())
