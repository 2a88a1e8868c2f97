"""Parallel coordinates of a sweep: one line per run through its swept values to its score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.panels import Panel, canvas, panels, spans_decades, varying
from seqlab.analysis.sweep_runs import override_text
from seqlab.tracking.lines import number

MAX_TICKS = 8
"""The most ticks of an axis of numbers."""


class Axis(NamedTuple):
    """One vertical axis, from 0 at the bottom to 1 at the top.

    Attributes:
        places: the height at which each run crosses it, `(n,)`.
        ticks: the height of each label.
    """

    places: np.ndarray
    ticks: dict[str, float]


def parallel_coordinates(groups: Sequence[Group]) -> Any:
    """Draw each finished run as a line over one axis per swept key to its test score, which colours it.

    A run that diverged is a grey line that ends before the score. The seed has an axis only where nothing
    else is swept.

    Returns:
        A `matplotlib.figure.Figure`; None where no run finished.
    """
    shown = panels(groups)
    if not shown:
        return None
    figure, axes = canvas(shown, max_columns=1, width=8)
    for panel, ax in zip(shown, axes, strict=True):
        _fill(figure, ax, panel)
    return figure


def _fill(figure: Any, ax: Any, panel: Panel) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    pairs = [(group, run) for group in panel.groups for run in group.runs]
    pairs = [(group, run) for group, run in pairs if run.is_finished or run.status == "diverged"]
    keys = varying(panel.groups) or ["seed"]
    chosen = {key: axis([{**run.identity, **group.key}[key] for group, run in pairs]) for key in keys}
    scores = np.array([run.score("test") if run.is_finished else np.nan for _, run in pairs], float)
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return
    norm = (LogNorm if panel.scale(scores) == "log" else Normalize)(finite.min(), finite.max())
    best_is_bright = colormaps["viridis" if panel.higher_is_better else "viridis_r"]
    places = np.array([one.places for one in chosen.values()]).T
    order = np.argsort(scores if panel.higher_is_better else -scores)  # the best on top
    for index in order:
        if not np.isfinite(scores[index]):
            style = {"color": "lightgrey", "linestyle": "--", "zorder": 1}
            ax.plot(places[index], linewidth=1, clip_on=False, **style)
        else:
            height = 0.5 if finite.min() == finite.max() else float(norm(scores[index]))
            colour = best_is_bright(height)
            ax.plot([*places[index], height], color=colour, linewidth=1.2, alpha=0.8, clip_on=False)
    for place, one in enumerate(chosen.values()):
        ax.axvline(place, color="black", linewidth=0.8)
        for name, height in one.ticks.items():
            ax.annotate(name, (place, height), xytext=(-4, 0), textcoords="offset points", **_TICK)
    names = [key.rpartition(".")[2] for key in chosen]
    ax.set_xticks(range(len(chosen) + 1), [*names, f"test/{panel.metric}"])
    ax.set(yticks=[], xlim=(-0.3, len(chosen)), ylim=(0, 1))
    ax.spines[:].set_visible(False)
    figure.colorbar(ScalarMappable(norm, best_is_bright), ax=ax, pad=0)


_BEHIND = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
_TICK = {"ha": "right", "va": "center", "fontsize": 8, "bbox": _BEHIND}


def axis(values: Sequence[Any]) -> Axis:
    """Place values on an axis.

    Numbers are placed by their size, or by their logarithm where they span decades. Other values are placed
    at equal distances in the order of their first occurrence; so are numbers where one value is no number.

    Args:
        values: one value per run.
    """
    distinct = list(dict.fromkeys(values))
    if len(distinct) > 1 and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in distinct
    ):
        numbers = np.array(values, float)
        ordered = np.array(sorted(distinct), float)
        named = ordered[np.unique(np.linspace(0, len(ordered) - 1, min(len(ordered), MAX_TICKS)).astype(int))]
        place = np.log if spans_decades(numbers) else np.asarray
        low, high = place(ordered[[0, -1]])
        heights = [(place(one) - low) / (high - low) for one in (numbers, named)]
        return Axis(heights[0], dict(zip(map(number, named), heights[1], strict=True)))
    ticks = dict(zip(distinct, np.linspace(0, 1, len(distinct)) if len(distinct) > 1 else [0.5], strict=True))
    return Axis(
        np.array([ticks[one] for one in values]),
        {override_text(one): height for one, height in ticks.items()},
    )
