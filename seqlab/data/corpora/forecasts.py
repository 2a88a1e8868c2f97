"""Corpora of series in order of time: sunspots, carbon dioxide, a stock index."""

from __future__ import annotations

import csv
import gzip
import math
from typing import Any

from seqlab.data.corpora.wheel import Wheel
from seqlab.registry import import_extra

_SP500 = "skfolio/datasets/data/sp500_index.csv.gz"
SP500 = Wheel(
    "skfolio", "1.12.2", {_SP500: "894c34431c284f86aa64a467e176e2a3c9b697c857eb9ab35006c2dd55d3fdf2"}
)
"""The wheel of `sp500`."""


def sunspots() -> dict[str, list[Any]]:
    """Read the yearly means of sunspot numbers, 1700 to 2008.

    Source: National Geophysical Data Center, as statsmodels has it.
    """
    table = import_extra("statsmodels.datasets").sunspots.load_pandas().data
    return {"year": table["YEAR"].tolist(), "value": table["SUNACTIVITY"].tolist()}


def co2() -> dict[str, list[Any]]:
    """Read the monthly means of carbon dioxide in the air at Mauna Loa, ppm, March 1958 to December 2001.

    Each is the mean of the weeks that were measured; months without a measurement are interpolated.

    Source: C. Keeling & T. Whorf, Carbon Dioxide Information Analysis Center, 2004, as statsmodels has it.
    """
    weekly = import_extra("statsmodels.datasets").co2.load_pandas().data["co2"]
    monthly = weekly.resample("MS").mean().interpolate()
    return {"month": monthly.index.strftime("%Y-%m").tolist(), "value": monthly.tolist()}


def sp500() -> dict[str, list[Any]]:
    """Read the daily close of the S&P 500, January 1990 to December 2022, and its logarithm as `value`.

    The difference of the logarithms of two days is the return.

    Source: as the skfolio package has it, for tests and examples: not authoritative market data.
    """
    with gzip.open(SP500.path(_SP500, "sp500"), "rt", encoding="utf-8", newline="") as file:
        rows = [(row["Date"], float(row["SP500"])) for row in csv.DictReader(file)]
    return {
        "date": [date for date, _ in rows],
        "close": [close for _, close in rows],
        "value": [math.log(close) for _, close in rows],
    }
