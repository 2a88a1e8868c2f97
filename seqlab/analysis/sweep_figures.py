"""Figures of a sweep: learning curves, and test scores over gradient slopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.direct_labels import End, label_ends, label_height, label_width
from seqlab.analysis.groups import Group
from seqlab.analysis.intervals import FEWEST, interval
from seqlab.analysis.panels import (
    AXES_HEIGHT,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    Kinds,
    Panel,
    canvas,
    kinds,
    problem_panels,
)
from seqlab.analysis.sweep_runs import SweepRun
from seqlab.tracking.figure_style import GREY, SMALL, styled
from seqlab.tracking.lines import number
from seqlab.tracking.thinning import thinned

BAND_RESAMPLES = 1000
"""The number of bootstrap resamples of a band: fewer than a table's, whose digits can be read."""

MAX_STEPS = 200
"""The most evaluations of a curve."""

MARKED = 15
"""A curve of fewer evaluations has a marker at each, without which a single one would not be seen."""

REFERENCES = {"chance": ("baseline", ":"), "solved_at": ("solved at", "--")}
"""The label and the line of each value of a summary that scores are compared with."""

REFERENCE_LABELS = tuple(f"{label} 0.123" for label, _ in REFERENCES.values())
"""Labels as long as those of the lines, for which a figure needs room."""


def learning_curves(groups: Sequence[Group], width: float | None = None) -> Any:
    """Draw each group's validation metric over the optimiser step: the mean and its 95 % interval.

    Of fewer than five runs, whose interval would be wider than the axes, each run is drawn as a thin line.

    Only finished runs are included, so that each mean is over the same runs at every step. A cross marks the
    last finite evaluation of a run that diverged.

    Args:
        groups: the groups.
        width: of the figure, in inches; None for that of its panels.

    Returns:
        A `matplotlib.figure.Figure`; None where no run finished.
    """
    return _draw(problem_panels(groups), width, _curves, lambda run: run.validation)


def gradient_slope(groups: Sequence[Group], width: float | None = None) -> Any:
    """Draw the test score of each finished run over the mean slope of its gradient through time.

    Args:
        groups: the groups.
        width: of the figure, in inches; None for that of its panels.

    Returns:
        A `matplotlib.figure.Figure`; None where no finished run has a slope.
    """
    with_slope = [group for group in groups if any(run.slope is not None for run in group.finished)]
    return _draw(problem_panels(with_slope), width, _slopes, lambda run: run.summary)


@styled()
def _draw(
    shown: Sequence[Panel],
    width: float | None,
    fill: Callable[[Any, Panel, Kinds], list[End]],
    reference: Callable[[SweepRun], Mapping[str, Any]],
) -> Any:
    """Draw panels with the `chance` and `solved_at` that `reference` returns, those of the scores' split."""
    if not shown:
        return None
    coloured = kinds(shown)
    texts = [*REFERENCE_LABELS, *coloured.colours]
    higher = max(0.0, label_height(texts) - AXES_HEIGHT)
    size = PANEL_WIDTH + label_width(texts), PANEL_HEIGHT + higher
    figure, axes = canvas(shown, width=width, panel=size)
    for panel, ax in zip(shown, axes, strict=True):
        ends = fill(ax, panel, coloured)
        ends += draw_references(ax, [reference(group.finished[0]) for group in panel.finished])
        ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # final, so labels can be placed
        label_ends(ax, ends, AXES_HEIGHT + higher)
    return figure


def draw_references(ax: Any, summaries: Sequence[Mapping[str, Any]]) -> list[End]:
    """Draw the values that scores are compared with as lines, and return their ends."""
    ends: list[End] = []
    for key, (label, style) in REFERENCES.items():
        for value in {summary[key] for summary in summaries if summary.get(key) is not None}:
            ax.axhline(value, color=GREY, linewidth=0.8, linestyle=style, label=label, zorder=1.5)
            ends.append(End(value, f"{label} {number(value, 3)}"))
    return ends


def _curves(ax: Any, panel: Panel, coloured: Kinds) -> list[End]:
    drawn: list[np.ndarray] = []
    ends: list[End] = []
    for group in panel.finished:
        steps, scores = curves(group)
        style, mean = coloured.style(group), scores.mean(axis=0)
        ax.plot(steps, mean, marker="o" if len(steps) < MARKED else "", **style)
        if 1 < len(scores) < FEWEST:
            ax.plot(steps, scores.T, color=style["color"], linewidth=0.6, alpha=0.5, zorder=style["zorder"])
        elif (band := interval(scores, BAND_RESAMPLES)) is not None:
            _fill_within(ax, steps, scores, band, style["color"])
        drawn.append(scores.ravel())
        ends += [End(mean[-1], style["label"], style["color"])] if len(steps) else []
        for run in group.diverged:
            last = np.flatnonzero(np.isfinite(run.scores))[-1:]
            ax.plot(run.steps[last], run.scores[last], "x", color=style["color"], label="diverged")
            for index in last:
                place = {"xytext": (3, 2), "textcoords": "offset points", "fontsize": SMALL}
                ax.annotate("diverged", (run.steps[index], run.scores[index]), color=style["color"], **place)
    ax.set_yscale(panel.scale(np.concatenate(drawn)))
    ax.set_xlabel("optimiser step")
    ax.set_ylabel(f"eval/{panel.metric}")
    return ends


def _fill_within(ax: Any, steps: np.ndarray, scores: np.ndarray, band: Any, colour: Any) -> None:
    """Draw a band; the limits of y are those of the scores, since an interval may leave a metric's range."""
    within = [(step, score) for step, of_step in zip(steps, scores.T, strict=True) for score in of_step]
    ax.update_datalim([pair for pair in within if np.isfinite(pair).all()])
    limits = ax.dataLim.frozen()
    ax.fill_between(steps, *band, alpha=0.15, linewidth=0, color=colour)
    ax.dataLim.set(limits)


def curves(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which every finished run was evaluated, `(S,)`, and the scores, `(n, S)`."""
    by_step = [dict(zip(run.steps, run.scores, strict=True)) for run in group.finished]
    common = sorted(set.intersection(*map(set, by_step)))
    steps = np.array(common)[thinned(len(common), MAX_STEPS)]
    return steps, np.array([[scores[step] for step in steps] for scores in by_step])


def _slopes(ax: Any, panel: Panel, coloured: Kinds) -> list[End]:
    drawn: list[np.ndarray] = []
    ends: list[End] = []
    for group in panel.finished:
        pairs = [(run.slope, run.score("test")) for run in group.finished]
        slopes, scores = np.array([pair for pair in pairs if None not in pair], float).reshape(-1, 2).T
        style = coloured.style(group)
        ax.scatter(slopes, scores, s=18, alpha=0.8, linewidth=0, **style)
        drawn.append(scores)
        if len(scores):
            ends.append(End(float(np.median(scores)), style["label"], style["color"]))
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yscale(panel.scale(np.concatenate(drawn)))
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("mean gradient slope (decades a step)")
    ax.set_ylabel(f"test/{panel.metric}")
    _say_directions(ax)
    return ends


def _say_directions(ax: Any) -> None:
    """Write above the axes, on either side of slope 0, what the gradient does there, if there is room."""
    low, high = ax.get_xlim()
    zero = -low / (high - low)
    place = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "fontsize": SMALL}
    if zero > ROOM:
        ax.annotate("← vanishing", (0, 1), (-3, 2), ha="right", color=GREY, **place)
    if zero < 1 - ROOM:
        ax.annotate("exploding →", (0, 1), (3, 2), ha="left", color=GREY, **place)


ROOM = 0.3
"""The share of the width that a word above the axes needs."""
