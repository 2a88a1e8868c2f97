"""Drawing of the figures of docs/learn: axes, labelled lines, and the forms of input and output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Colours that colour-blind readers can tell apart (Okabe & Ito)."""


def axes(
    width: float = 7.0, height: float = 2.9, columns: int = 1, **options: Any
) -> tuple[Figure, list[Any]]:
    """Return a figure of the pages' size with its axes."""
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    found = figure.subplots(1, columns, squeeze=False, **options)[0]
    for ax in found:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
        ax.grid(color="0.92", linewidth=0.6)
    return figure, list(found)


def label_lines(ax: Any, ends: Sequence[tuple[float, float, str, str]], gap: float = 0.075) -> None:
    """Write a label at the right end of each line, moved apart where lines end close together.

    Args:
        ax: the axes, with their final limits.
        ends: x, y, the text and the colour of each line.
        gap: the least distance of two labels, as a share of the height.
    """
    ax.autoscale_view()  # the limits are those of all lines
    to_axes = ax.transData + ax.transAxes.inverted()
    ordered = sorted(ends, key=lambda end: end[1])
    places: list[float] = []
    for x, y, _, _ in ordered:
        places.append(max(to_axes.transform((x, y))[1], places[-1] + gap if places else 0.0))
    for row in reversed(range(len(places))):  # what was pushed over the top moves down again
        places[row] = min(places[row], 1 - gap * (len(places) - 1 - row))
    style = {"textcoords": "offset points", "fontsize": 8, "va": "center", "annotation_clip": False}
    for (x, _, text, color), place in zip(ordered, places, strict=True):
        ax.annotate(text, (x, place), (4, 0), xycoords=("data", "axes fraction"), color=color, **style)


def draw_lines(ax: Any, lines: Sequence[tuple[Any, Any, str]]) -> None:
    """Draw lines with their labels at their ends, one label and colour for the lines that share it.

    Args:
        ax: the axes.
        lines: x, y and the label of each line.
    """
    labels = list(dict.fromkeys(text for _, _, text in lines))
    ends = {}
    for x, y, text in lines:
        color = COLORS[labels.index(text)]
        ax.plot(x, y, color=color, linewidth=1.3)
        ends[text] = (x[-1], y[-1], text, color)
    label_lines(ax, list(ends.values()))


FORMS = {
    "one to one": ((0,), (0,)),
    "one to many": ((0,), (0, 1, 2)),
    "many to one": ((0, 1, 2), (2,)),
    "many to many": ((0, 1, 2), (0, 1, 2)),
    "encoder–decoder": ((0, 1), (2, 3)),
}
"""The steps that read and the steps that write."""


def forms(folder: Path) -> Figure:
    """The five forms of input and output."""
    lengths = [max(read + written) + 1 for read, written in FORMS.values()]
    figure = Figure(figsize=(7.4, 1.9), dpi=100, layout="constrained")
    panels = figure.subplots(1, len(FORMS), width_ratios=[max(length, 2) for length in lengths])
    for ax, length, (title, (read, written)) in zip(panels, lengths, FORMS.items(), strict=True):
        for step in range(length):
            _box(ax, step, 1, COLORS[0])
            if step in read:
                _box(ax, step, 0, "0.75")
                _arrow(ax, (step, 0.28), (step, 0.72))
            if step in written:
                _box(ax, step, 2, COLORS[2])
                _arrow(ax, (step, 1.28), (step, 1.72))
            if step + 1 < length:
                _arrow(ax, (step + 0.3, 1), (step + 0.7, 1))
                if step in written and step + 1 not in read:  # an output is the next input
                    _arrow(ax, (step + 0.25, 1.78), (step + 0.78, 1.25), linestyle="dotted")
        middle, half = (length - 1) / 2, max(length, 2) / 2 + 0.1
        ax.set(xlim=(middle - half, middle + half), ylim=(-0.3, 2.3), aspect="equal")
        ax.set_title(title, fontsize=9)
        ax.axis("off")
    return figure


def _arrow(ax: Any, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.3", **style})


def _box(ax: Any, x: float, y: float, color: str) -> None:
    ax.add_patch(FancyBboxPatch((x - 0.2, y - 0.2), 0.4, 0.4, boxstyle="round,pad=0.03", color=color))
