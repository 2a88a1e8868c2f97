"""Figure of the gradient's flow through time: heat maps over t and step, one panel per run."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqlab.tracking.figure_style import SMALL, TEXT, styled
from seqlab.tracking.gradient_flow import EXPLODED, VANISHED, Flow, colour_range

MAX_COLUMNS = 6
"""The most panels side by side."""


@dataclasses.dataclass(frozen=True)
class _Layout:
    """Sizes in inches. They are fixed, because a computed layout would take as long as all the rest."""

    columns: int
    rows: int
    panel: float
    title_lines: int
    heading: float

    heat: float
    left: float = 0.72
    right: float = 0.95
    gap: float = 0.3
    strip: float = 0.65
    between: float = 0.07
    below: float = 0.5

    @property
    def above(self) -> float:
        """The height of a panel's title and of the line with its verdicts."""
        return (self.title_lines * (TEXT + 1) * 1.25 + SMALL * 1.2 + 12) / 72

    @property
    def row(self) -> float:
        """The height of a row of panels."""
        return self.above + self.heat + self.between + self.strip + self.below

    @property
    def size(self) -> tuple[float, float]:
        """The width and the height of the figure."""
        width = self.left + self.columns * (self.panel + self.gap) - self.gap + self.right
        return width, self.heading + self.rows * self.row

    def axes(self, figure: Any, left: float, below_top: float, width: float, height: float) -> Any:
        """Add axes at a place from the left and from the top."""
        total = self.size
        bottom = total[1] - below_top - height
        return figure.add_axes((left / total[0], bottom / total[1], width / total[0], height / total[1]))


@styled()
def draw(
    flows: Sequence[Flow],
    scale: str = "linear",
    width: float | None = None,
    heading: str = "",
    decades: float | None = None,
) -> Any:
    """Draw flows on one colour scale, each with a verdict on its first and its last row.

    Args:
        flows: at least one.
        scale: of the axis of optimiser steps, linear or log.
        width: of the figure, in inches; None for one that suits the number of flows.
        heading: what the flows have in common.
        decades: the range of the colours; None for what the flows need.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    reach = decades or colour_range(flows)
    layout, titles = _layout(flows, width, heading)
    figure = Figure(figsize=layout.size)
    if heading:
        figure.text(0.01, 1 - 0.06 / layout.size[1], heading, va="top", fontsize=TEXT + 1)
    colours = colormaps["RdBu_r"].with_extremes(bad="lightgrey")
    norm = Normalize(-reach, reach)
    panels = [_panel(figure, layout, index) for index in range(len(flows))]
    limits = slope_limits(flows)
    for (upper, lower), flow, title in zip(panels, flows, titles, strict=True):
        _heat(upper, flow, np.clip(flow.relative, -reach, reach), title, colours, norm)
        _strip(lower, flow, limits)
        for ax in (upper, lower):
            _scale_steps(ax, flow, scale)
        upper.tick_params(axis="x", which="both", labelbottom=False)
    for index, (upper, lower) in enumerate(panels):
        if index % layout.columns:
            lower.tick_params(axis="y", labelleft=False)
            if len({flow.log10_norm.shape[1] for flow in flows}) == 1:
                upper.tick_params(axis="y", labelleft=False)
        else:
            upper.set_ylabel("t")
            lower.set_ylabel("decades a\nstep back", fontsize=SMALL)
        if index + layout.columns >= len(flows):
            lower.set_xlabel("optimiser step")
    _colour_bar(figure, layout, colours, norm)
    return figure


def _layout(flows: Sequence[Flow], width: float | None, heading: str) -> tuple[_Layout, list[str]]:
    """Return sizes that fit a width, and the titles in lines that fit a panel."""
    sides = _Layout.left + _Layout.right
    fit = MAX_COLUMNS if width is None else max(1, int((width - sides + _Layout.gap) / (1.4 + _Layout.gap)))
    columns = min(fit, len(flows))
    panel = 1.9 if width is None else (width - sides + _Layout.gap) / columns - _Layout.gap
    if width is None and columns == 1:
        panel = 3.0
    letters = max(8, int(panel * 72 / (TEXT + 1) / 0.56))  # a letter is about that wide
    titles = [
        "\n".join(line for part in flow.title.split("\n") for line in textwrap.wrap(part, letters) or [""])
        for flow in flows
    ]
    lines = max(title.count("\n") + 1 if title else 0 for title in titles)
    rows, heat = math.ceil(len(flows) / columns), 1.9 if width is None else 1.5
    return _Layout(columns, rows, panel, lines, 0.25 if heading else 0.0, heat), titles


def _panel(figure: Any, layout: _Layout, index: int) -> tuple[Any, Any]:
    row, column = divmod(index, layout.columns)
    left = layout.left + column * (layout.panel + layout.gap)
    top = layout.heading + row * layout.row + layout.above
    upper = layout.axes(figure, left, top, layout.panel, layout.heat)
    return upper, layout.axes(figure, left, top + layout.heat + layout.between, layout.panel, layout.strip)


def _heat(ax: Any, flow: Flow, decades: np.ndarray, title: str, colours: Any, norm: Any) -> None:
    edges = _edges(flow.steps), _edges(flow.times)
    ax.pcolormesh(*edges, decades.T, cmap=colours, norm=norm, rasterized=True)
    ax.set_title(title, loc="left", y=1, pad=SMALL * 1.2 + 6, linespacing=1.2)
    for row, side, place in ((0, "left", 0.0), (-1, "right", 1.0))[: len(flow.steps)]:
        word, colour = flow.verdict(row)
        above = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(
            word,
            (place, 1),
            (0, 3),
            ha=side,
            va="bottom",
            fontsize=SMALL,
            color=colour,
            fontweight="bold",
            **above,
        )
    ax.spines[["top", "right"]].set_visible(True)


def slope_limits(flows: Sequence[Flow]) -> tuple[float, float]:
    """Return limits of the slopes of all flows, with room above for a line of text."""
    theory = [flow.theory for flow in flows if flow.theory is not None]
    found = np.concatenate([*(flow.slope for flow in flows), theory, [0.0]])
    found = found[np.isfinite(found)]
    low, high = found.min(), found.max()
    height = (high - low) or 1.0
    return low - 0.08 * height, high + (0.5 if theory else 0.08) * height


def _strip(ax: Any, flow: Flow, limits: tuple[float, float]) -> None:
    edges = _edges(flow.steps)
    ax.axhline(0, color="grey", linewidth=0.8)
    for side, colour in ((np.minimum, VANISHED), (np.maximum, EXPLODED)):
        ax.stairs(side(flow.slope, 0), edges, fill=True, color=colour, alpha=0.5, linewidth=0)
    ax.stairs(flow.slope, edges, baseline=None, color="black", linewidth=0.8)
    ax.set_ylim(limits)
    if flow.theory is not None:
        ax.axhline(flow.theory, color="black", linewidth=1, linestyle=":")
        place = {"transform": ax.transAxes, "ha": "right", "va": "top", "fontsize": SMALL}
        ax.text(0.98, 0.98, f"··· theory {flow.theory:+z.3f}", **place)


def _scale_steps(ax: Any, flow: Flow, scale: str) -> None:
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator

    ax.set_xscale(scale)
    edges = _edges(flow.steps)
    ax.set_xlim(edges[0], edges[-1])
    ax.xaxis.set_major_locator(LogLocator(numticks=4) if scale == "log" else MaxNLocator(3, integer=True))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))


def _colour_bar(figure: Any, layout: _Layout, colours: Any, norm: Any) -> None:
    from matplotlib.cm import ScalarMappable

    width = layout.size[0]
    place = layout.axes(figure, width - 0.8, layout.heading + layout.above + 0.12, 0.13, layout.heat - 0.24)
    bar = figure.colorbar(ScalarMappable(norm, colours), cax=place, extend="both")
    bar.set_label("log₁₀ ‖∂L/∂h$_t$‖\n− that of the last t", fontsize=SMALL)
    word = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    style = {"ha": "left", "fontsize": SMALL, "fontweight": "bold", **word}
    bar.ax.annotate("exploded", (-0.5, 1), (0, 9), va="bottom", color=EXPLODED, **style)
    bar.ax.annotate("vanished", (-0.5, 0), (0, -9), va="top", color=VANISHED, **style)


def _edges(starts: np.ndarray) -> np.ndarray:
    """Return the edges of cells that start at these numbers; the last is as wide as the one before it."""
    return np.append(starts, starts[-1] + (np.diff(starts[-2:]).sum() or 1))
