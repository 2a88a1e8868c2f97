"""Table and figure of the metrics at each of several lengths."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.direct_labels import End, label_ends
from seqlab.analysis.panels import spans_decades
from seqlab.runs.by_length import ByLength
from seqlab.tracking.figure_style import GREY, PALETTE, SMALL, colours, styled
from seqlab.tracking.lines import number

MARKED = 20
"""A curve of fewer lengths has a marker at each."""


def write_csv(path: Path, found: ByLength) -> None:
    """Write one line per length after a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, found.rows[0])
        writer.writeheader()
        writer.writerows(found.rows)


@styled()
def draw(found: ByLength | Mapping[str, ByLength], width: float | None = None, title: str = "") -> Any:
    """Draw the deciding metric over the length, of one run or of several by their labels.

    Args:
        found: the metrics. Those of several runs are of one task.
        width: of the figure, in inches.
        title: what the runs have in common.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    named = {"": found} if isinstance(found, ByLength) else found
    width = width or 5.5
    height = min(3.0, 0.75 * width)
    figure = Figure(figsize=(width, height), layout="constrained")
    ax = figure.subplots()
    ends: list[End] = []
    for (name, one), colour in zip(named.items(), colours(len(named)), strict=True):
        ends += plot(ax, one, name or one.goal.metric, color=colour if len(named) > 1 else PALETTE[0])
    ax.set_title(title, loc="left", pad=14)
    finish(ax, ends, height - 0.7)
    return figure


def plot(ax: Any, found: ByLength, label: str, **style: Any) -> list[End]:
    """Draw the deciding metric over the length into axes; return the ends of the lines, for labels.

    Lengths of training are grey.
    """
    first, last = found.trained
    lengths, scores = found.curve
    ax.axvspan(first - 0.5, last + 0.5, color="0.92", linewidth=0, zorder=0)
    where, baselines = found.baselines
    ax.plot(where, baselines, color=GREY, linewidth=0.8, linestyle=":")
    ax.plot(lengths, scores, **{"marker": "." if len(lengths) < MARKED else "", "label": label} | style)
    ax.set_xlabel("length")
    ax.set_ylabel(f"{found.split}/{found.goal.metric}")
    if not found.goal.higher_is_better and spans_decades(np.append(scores, baselines)):
        ax.set_yscale("log")
    place = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "fontsize": SMALL}
    if not ax.texts:
        text = "↓ lengths of training"
        ax.annotate(text, (first, 1), (0, 2), color=GREY, **place)
    colour = style.get("color", PALETTE[0])
    return [End(baselines[-1], f"baseline {number(baselines[-1], 3)}"), End(scores[-1], label, colour)]


def finish(ax: Any, ends: list[End], height: float) -> None:
    """Fix the limits of axes of that height, in inches, and label the ends of their lines."""
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    label_ends(ax, ends, height)
