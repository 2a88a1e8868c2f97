"""Figures of a sweep: learning curves, and test scores over gradient slopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.intervals import interval
from seqlab.analysis.panels import Kinds, Panel, add_legend, canvas, kinds, panels
from seqlab.analysis.sweep_runs import SweepRun

BAND_RESAMPLES = 1000
"""The number of bootstrap resamples of a band: fewer than a table's, whose digits can be read."""

MAX_STEPS = 200
"""The most evaluations of a curve."""


def learning_curves(groups: Sequence[Group]) -> Any:
    """Draw each group's validation metric over the optimiser step: the mean and its 95 % interval.

    Only finished runs are included, so that each mean is over the same runs at every step. A cross marks the
    last finite evaluation of a run that diverged.

    Returns:
        A `matplotlib.figure.Figure`; None where no run finished.
    """
    return _draw(panels(groups), _curves, lambda run: run.validation)


def gradient_slope(groups: Sequence[Group]) -> Any:
    """Draw the test score of each finished run over the mean slope of its gradient through time.

    Returns:
        A `matplotlib.figure.Figure`; None where no finished run has a slope.
    """
    with_slope = [group for group in groups if any(run.slope is not None for run in group.finished)]
    return _draw(panels(with_slope), _slopes, lambda run: run.summary)


def _draw(
    shown: Sequence[Panel],
    fill: Callable[[Any, Panel, Kinds], None],
    reference: Callable[[SweepRun], Mapping[str, Any]],
) -> Any:
    """Draw panels with the `chance` and `solved_at` that `reference` returns, those of the scores' split."""
    if not shown:
        return None
    figure, axes = canvas(shown)
    coloured = kinds(shown)
    for panel, ax in zip(shown, axes, strict=True):
        fill(ax, panel, coloured)
        for key, label, style in (("chance", "baseline", ":"), ("solved_at", "solved at", "--")):
            for value in {reference(group.finished[0])[key] for group in panel.finished}:
                ax.axhline(value, color="grey", linewidth=0.8, linestyle=style, label=label)
    add_legend(figure)
    return figure


def _curves(ax: Any, panel: Panel, coloured: Kinds) -> None:
    drawn = []
    for group in panel.finished:
        steps, scores = curves(group)
        style = coloured.style(group)
        ax.plot(steps, scores.mean(axis=0), linewidth=1.4, **style)
        if (band := interval(scores, BAND_RESAMPLES)) is not None:
            ax.fill_between(steps, *band, alpha=0.2, linewidth=0, color=style["color"])
        drawn.append(scores.ravel())
        for run in group.diverged:
            last = np.flatnonzero(np.isfinite(run.scores))[-1:]
            ax.plot(run.steps[last], run.scores[last], "x", color=style["color"], label="diverged")
    ax.set_yscale(panel.scale(np.concatenate(drawn)))
    ax.set_xlabel("optimiser step")
    ax.set_ylabel(f"eval/{panel.metric}")


def curves(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which every finished run was evaluated, `(S,)`, and the scores, `(n, S)`."""
    by_step = [dict(zip(run.steps, run.scores, strict=True)) for run in group.finished]
    common = sorted(set.intersection(*map(set, by_step)))
    chosen = np.unique(np.linspace(0, len(common) - 1, min(len(common), MAX_STEPS)).astype(int))
    steps = np.array(common)[chosen]
    return steps, np.array([[scores[step] for step in steps] for scores in by_step])


def _slopes(ax: Any, panel: Panel, coloured: Kinds) -> None:
    drawn = []
    for group in panel.finished:
        pairs = [(run.slope, run.score("test")) for run in group.finished]
        slopes, scores = np.array([pair for pair in pairs if None not in pair], float).reshape(-1, 2).T
        ax.scatter(slopes, scores, s=22, alpha=0.8, linewidth=0, **coloured.style(group))
        drawn.append(scores)
    ax.axvline(0, color="grey", linewidth=0.8)
    ax.set_yscale(panel.scale(np.concatenate(drawn)))
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("mean slope: decades a step back\n← vanishing    exploding →")
    ax.set_ylabel(f"test/{panel.metric}")
