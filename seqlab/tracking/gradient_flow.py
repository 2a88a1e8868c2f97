"""Figure of the gradient's flow through time: log10 ‖∂L/∂h_t‖ over t and step, one panel per run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

LOG10_NORM = "grads/through_time/log10_norm"
SLOPE = "grads/through_time/slope"
MAX_DECADES = 6
"""The largest range of the colours: a gradient six decades smaller contributes nothing."""

NOTICEABLE = 2
"""The decades over all of time beyond which a gradient counts as vanishing (1 % remains) or exploding."""

VANISHED, EXPLODED = "#2166ac", "#b2182b"


@dataclasses.dataclass(frozen=True)
class Flow:
    """Gradient norms through time of one run.

    Attributes:
        title: what distinguishes the run from the others in the figure.
        steps: the optimiser steps of the rows, `(N,)`, increasing.
        times: t of the columns, `(T,)`, increasing from 1.
        log10_norm: log10 ‖∂L/∂h_t‖, `(N, T)`; −inf where the gradient was zero.
        slope: decades gained per step back through time, `(N,)`.
        theory: the slope that theory predicts at the start; None where it predicts none.
    """

    title: str
    steps: np.ndarray
    times: np.ndarray
    log10_norm: np.ndarray
    slope: np.ndarray
    theory: float | None = None

    @property
    def relative(self) -> np.ndarray:
        """The decades gained since the last t that has a gradient, `(N, T)`.

        It is ±inf beyond the range of floats. It is NaN after that last t, which is padding, and throughout a
        row without a finite number.
        """
        found = np.full(self.log10_norm.shape, np.nan)
        for row, line in zip(found, self.log10_norm, strict=True):
            for end in np.flatnonzero(np.isfinite(line))[-1:]:
                row[: end + 1] = line[: end + 1] - line[end]
        return found

    def verdict(self, row: int) -> tuple[str, str]:
        """Return a word for a row's slope over all t that have a gradient, and its colour."""
        reached = np.flatnonzero(np.isfinite(self.log10_norm[row]))[-1:]  # what follows is padding
        decades = self.slope[row] * (self.times[reached].sum() - 1) if len(reached) else np.nan
        if not np.isfinite(decades):
            return "not a number", "grey"
        if abs(decades) < NOTICEABLE:
            return "flows", "black"
        return ("vanishes", VANISHED) if decades < 0 else ("explodes", EXPLODED)

    def thinned(self, most: int) -> Flow:
        """Return the flow at no more than `most` rows and `most` t, evenly spaced, both ends included."""
        rows, times = (
            np.unique(np.linspace(0, size - 1, min(size, most)).astype(int)) for size in self.log10_norm.shape
        )
        return dataclasses.replace(
            self,
            steps=self.steps[rows],
            times=self.times[times],
            log10_norm=self.log10_norm[np.ix_(rows, times)],
            slope=self.slope[rows],
        )


def flow_of(rows: Iterable[Mapping[str, Any]], title: str, theory: float | None = None) -> Flow:
    """Return the flow that a run's rows contain; rows whose T differs from the last row's are left out.

    Raises:
        ValueError: no row contains gradient norms through time.
    """
    found = [row for row in rows if LOG10_NORM in row]
    if not found:
        raise ValueError(f"no row holds {LOG10_NORM}: legal is a recurrent run with gradients=norms or full")
    found = [row for row in found if len(row[LOG10_NORM]) == len(found[-1][LOG10_NORM])]
    steps, log10_norm, slope = (
        np.array([row.get(key, np.nan) for row in found]) for key in ("step", LOG10_NORM, SLOPE)
    )
    times = np.arange(1, log10_norm.shape[1] + 1)
    return Flow(title, steps, times, log10_norm.astype(float), slope.astype(float), theory)


def draw(flows: Sequence[Flow], scale: str = "linear") -> Any:
    """Draw flows side by side, on one colour scale, each with a verdict on its first and its last row.

    Args:
        flows: at least one.
        scale: of the axis of optimiser steps, linear or log.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib import colormaps  # imported here because it takes half a second
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    relative = [flow.relative for flow in flows]
    largest = max((np.abs(one[np.isfinite(one)]).max(initial=0) for one in relative), default=0)
    reach = min(MAX_DECADES, max(1, largest))
    colours = colormaps["RdBu_r"].with_extremes(bad="lightgrey")
    width, height = 2.1 * len(flows) + 2.2, 4.6
    figure = Figure(figsize=(width, height), dpi=110)
    # Fixed margins and title heights: a computed layout would take as long as all the rest.
    sides = {"left": 0.9 / width, "right": 1 - 1.25 / width, "bottom": 0.55 / height, "top": 1 - 0.6 / height}
    heat, lines = figure.subplots(
        2,
        len(flows),
        squeeze=False,
        sharex="col",
        sharey="row",
        gridspec_kw={"height_ratios": (3, 1), "wspace": 0.11, "hspace": 0.06, **sides},
    )
    for upper, lower, flow, decades in zip(heat, lines, flows, relative, strict=True):
        edges, times = _edges(flow.steps), _edges(flow.times)
        upper.pcolormesh(
            edges, times, np.clip(decades, -reach, reach).T, cmap=colours, vmin=-reach, vmax=reach
        )
        upper.set_title(f"{flow.title}\n", fontsize=10, y=1)
        for row, side in ((0, "left"), (-1, "right"))[: len(flow.steps)]:
            word, colour = flow.verdict(row)
            upper.set_title(word, loc=side, fontsize=9, color=colour, fontweight="bold", y=1)
        lower.axhline(0, color="grey", linewidth=0.8)
        for side, colour in ((np.minimum, VANISHED), (np.maximum, EXPLODED)):
            lower.stairs(side(flow.slope, 0), edges, fill=True, color=colour, alpha=0.5)
        lower.stairs(flow.slope, edges, baseline=None, color="black", linewidth=0.8)
        if flow.theory is not None:
            lower.axhline(flow.theory, color="black", linewidth=1, linestyle=":")
            above = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom"}
            lower.annotate("theory ", (1, flow.theory), fontsize=7, **above)
        lower.set_xscale(scale)
        lower.set_xlabel("optimiser step")
    heat[0].set_ylabel("t")
    lines[0].set_ylabel("decades a\nstep back")
    last = heat[-1].get_position()
    place = figure.add_axes((1 - 1.1 / width, last.y0, 0.16 / width, last.height))
    bar = figure.colorbar(ScalarMappable(Normalize(-reach, reach), colours), cax=place, extend="both")
    bar.set_label("log₁₀ ‖∂L/∂h$_t$‖ less that of the last t")
    bar.ax.set_title("exploded", fontsize=9, color=EXPLODED, pad=12, loc="left", y=1)
    bar.ax.set_xlabel("vanished", fontsize=9, color=VANISHED, labelpad=12, loc="left")
    return figure


def _edges(starts: np.ndarray) -> np.ndarray:
    """Return the edges of cells that start at these numbers; the last is as wide as the one before it."""
    return np.append(starts, starts[-1] + (np.diff(starts[-2:]).sum() or 1))
