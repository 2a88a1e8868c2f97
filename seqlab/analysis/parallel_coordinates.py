"""Parallel coordinates of a sweep: one line per run through its swept values to its score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.panels import Panel, canvas, panels, value_texts, varying
from seqlab.tracking.figure_style import SMALL, styled
from seqlab.tracking.lines import number
from seqlab.tracking.thinning import thinned

MAX_TICKS = 8
"""The most ticks of an axis of numbers."""

AXIS_WIDTH = 1.3
"""The distance of two axes, in inches."""


class Axis(NamedTuple):
    """One vertical axis, from 0 at the bottom to 1 at the top.

    Attributes:
        places: the height at which each run crosses it, `(n,)`.
        ticks: the height of each label.
    """

    places: np.ndarray
    ticks: dict[str, float]


def parallel_coordinates(groups: Sequence[Group], width: float | None = None) -> Any:
    """Draw each finished run as a line over one axis per swept key to its test score, which colours it.

    The best score is at the top, whether a high or a low one is good. A run that diverged is a grey line that
    ends before the score. The seed has an axis only where nothing else is swept.

    Args:
        groups: the groups.
        width: of the figure, in inches; None for one that suits the number of axes.

    Returns:
        A `matplotlib.figure.Figure`; None where no run finished.
    """
    shown = panels(groups)
    return _draw(shown, width) if shown else None


@styled()
def _draw(shown: Sequence[Panel], width: float | None) -> Any:
    num_axes = max(len(_keys(panel)) for panel in shown) + 1
    size = width or max(4.5, AXIS_WIDTH * num_axes + 1.6), 3.0
    figure, axes = canvas(shown, max_columns=1, panel=size)
    for panel, ax in zip(shown, axes, strict=True):
        _fill(ax, panel)
    return figure


def _keys(panel: Panel) -> list[str]:
    return varying(panel.groups) or ["seed"]


def _fill(ax: Any, panel: Panel) -> None:
    from matplotlib import colormaps

    pairs = [(group, run) for group in panel.groups for run in group.runs]
    pairs = [(group, run) for group, run in pairs if run.is_finished or run.status == "diverged"]
    chosen = {key: axis([{**run.identity, **group.key}[key] for group, run in pairs]) for key in _keys(panel)}
    scores = np.array([run.score("test") if run.is_finished else np.nan for _, run in pairs], float)
    if not np.isfinite(scores).any():
        return
    last = score_axis(scores, panel)
    chosen[f"test/{panel.metric}"] = last
    colours = colormaps["viridis"]
    places = np.array([one.places for one in chosen.values()]).T
    for index in np.argsort(last.places):  # the best in front
        if np.isfinite(last.places[index]):
            colour = colours(0.92 * last.places[index])  # the brightest yellow is hard to see on white
            ax.plot(places[index], color=colour, linewidth=1.2, alpha=0.8, clip_on=False)
        else:
            style = {"color": "lightgrey", "linestyle": "--", "zorder": 1}
            ax.plot(places[index], linewidth=1, clip_on=False, **style)
    for place, one in enumerate(chosen.values()):
        ax.axvline(place, color="black", linewidth=0.8)
        side = _TO_THE_RIGHT if one is last else _TO_THE_LEFT
        for name, height in one.ticks.items():
            ax.annotate(name, (place, height), textcoords="offset points", **side)
    names = [key.rpartition(".")[2] for key in chosen][:-1]
    ax.set_xticks(range(len(chosen)), [*names, f"test/{panel.metric}\n(best on top)"])
    ax.tick_params(axis="x", length=0, pad=8)
    ax.set(yticks=[], xlim=(-0.45, len(chosen) - 0.6), ylim=(0, 1))
    ax.spines[:].set_visible(False)


_BEHIND = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
_TICK = {"va": "center", "fontsize": SMALL, "bbox": _BEHIND}
_TO_THE_LEFT = {"xytext": (-4, 0), "ha": "right", **_TICK}
_TO_THE_RIGHT = {"xytext": (4, 0), "ha": "left", **_TICK}


def axis(values: Sequence[Any]) -> Axis:
    """Place values on an axis.

    Numbers are placed by their size, or by their logarithm where this spreads them more evenly, as it does
    for rates and sizes such as 0.001, 0.003, 0.01 or 16, 32, 64. Other values are placed at equal distances
    in the order of their first occurrence; so are numbers where one value is no number.

    Args:
        values: one value per run.
    """
    distinct = list(dict.fromkeys(values))
    if len(distinct) > 1 and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in distinct
    ):
        numbers = np.array(values, float)
        ordered = np.array(sorted(distinct), float)
        named = ordered[thinned(len(ordered), MAX_TICKS)]
        place = np.log if _is_logarithmic(ordered) else np.asarray
        low, high = place(ordered[[0, -1]])
        heights = [(place(one) - low) / (high - low) for one in (numbers, named)]
        return Axis(heights[0], _apart(dict(zip(map(_short, named), heights[1], strict=True))))
    ticks = dict(zip(distinct, np.linspace(0, 1, len(distinct)) if len(distinct) > 1 else [0.5], strict=True))
    texts = value_texts(distinct)
    return Axis(
        np.array([ticks[one] for one in values]),
        {texts[one]: height for one, height in ticks.items()},
    )


def score_axis(scores: np.ndarray, panel: Panel) -> Axis:
    """Return the axis of the scores, `(n,)`: the best at the top, NaN for a run without a score."""
    finite = np.unique(scores[np.isfinite(scores)])
    if len(finite) == 1:
        return Axis(np.where(np.isfinite(scores), 0.5, np.nan), {number(finite[0], 3): 0.5})
    place = np.log if panel.scale(scores) == "log" else np.asarray
    worst, best = (finite[0], finite[-1]) if panel.higher_is_better else (finite[-1], finite[0])

    def scale(values: np.ndarray) -> np.ndarray:
        return (place(values) - place(worst)) / (place(best) - place(worst))

    low, high = place(finite[[0, -1]])
    between = np.linspace(low, high, 5)
    named = np.exp(between) if place is np.log else between
    ticks = dict(zip([number(one, 3) for one in named], scale(named), strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        return Axis(np.where(np.isfinite(scores), scale(scores), np.nan), ticks)


def _is_logarithmic(ordered: np.ndarray) -> bool:
    """Return whether the logarithms of numbers are spread more evenly: their mean is nearer to the middle."""
    if ordered[0] <= 0 or len(ordered) < 3:
        return bool(ordered[0] > 0 and ordered[-1] >= 10 * ordered[0])
    logs = np.log(ordered)
    plain, log = (abs((one.mean() - one[0]) / (one[-1] - one[0]) - 0.5) for one in (ordered, logs))
    return bool(log < plain - 1e-9)


def _short(value: float) -> str:
    return number(value, 3)


def _apart(ticks: dict[str, float], least: float = 0.07) -> dict[str, float]:
    """Return the ticks without those too near to the one before."""
    kept: dict[str, float] = {}
    for name, height in ticks.items():
        if not kept or abs(height - list(kept.values())[-1]) >= least:
            kept[name] = height
    return kept
