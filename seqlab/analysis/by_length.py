"""Table and figure of the metrics at each of several lengths."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from seqlab.runs.by_length import ByLength


def write_csv(path: Path, found: ByLength) -> None:
    """Write one line per length after a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, found.rows[0])
        writer.writeheader()
        writer.writerows(found.rows)


def draw(found: ByLength) -> Any:
    """Draw the deciding metric over the length.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), dpi=110, layout="constrained")
    ax = figure.subplots()
    plot(ax, found, label=f"{found.split}/{found.goal.metric}")
    ax.legend(fontsize=8)
    return figure


def plot(ax: Any, found: ByLength, **style: Any) -> None:
    """Draw the deciding metric over the length into axes. Lengths of training are grey."""
    first, last = found.trained
    lengths, scores = found.curve
    ax.axvspan(first - 0.5, last + 0.5, color="0.93", zorder=0, label="lengths of training")
    ax.axhline(found.baseline, color="grey", linewidth=0.8, linestyle=":", label="baseline")
    ax.plot(lengths, scores, **{"linewidth": 1.4, "marker": "." if len(lengths) < 20 else ""} | style)
    ax.set_xlabel("length")
    ax.set_ylabel(f"{found.split}/{found.goal.metric}")
