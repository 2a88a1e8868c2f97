"""Study of the size of a state: the score over the numbers that a model carries from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.direct_labels import End, label_ends, label_width
from seqlab.analysis.groups import Group
from seqlab.analysis.panels import AXES_HEIGHT, PANEL_HEIGHT, PANEL_WIDTH, canvas, problem_panels
from seqlab.analysis.studies.learning import learning_summary, read_groups
from seqlab.analysis.studies.study import Study
from seqlab.tracking.figure_style import colours, styled
from seqlab.tracking.lines import number


class StateSizes(Study):
    """Reports the test score of every model at each of its sizes, beside the size of its state.

    A line of the figure joins the sizes of one cell: the median over seeds, with a bar from the lowest to the
    highest score.
    """

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        groups = read_groups(sweep)
        _, table = learning_summary(sweep, lambda group: {"state size": f"{state_size(group):,}"})
        return _figure([group for group in groups if group.finished]), table


def state_size(group: Group) -> int:
    """Return how many numbers a network of a group carries from step to step, for each sequence."""
    return next((run.summary["state_size"] for run in group.runs if "state_size" in run.summary), 0)


@styled()
def _figure(groups: Sequence[Group]) -> Any:
    shown = problem_panels(groups)
    cells = list(dict.fromkeys(str(group.key["cell"]) for group in groups))
    palette = dict(zip(cells, colours(len(cells)), strict=True))
    figure, axes = canvas(
        shown, panel=(2 * PANEL_WIDTH + label_width(["baseline 0.123", *cells]), PANEL_HEIGHT)
    )
    for panel, ax in zip(shown, axes, strict=True):
        ends: list[End] = []
        for cell, colour in palette.items():
            ends += _line(ax, [group for group in panel.finished if group.key["cell"] == cell], cell, colour)
        chance = panel.summary["chance"]
        ax.axhline(chance, color="grey", linewidth=0.8, linestyle=":")
        ends.append(End(chance, f"baseline {number(chance, 3)}"))
        ax.set(xscale="log", xlabel="numbers of the state", ylabel=f"test {panel.metric}")
        ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # final, so labels can be placed
        label_ends(ax, ends, AXES_HEIGHT)
    return figure


def _line(ax: Any, groups: Sequence[Group], cell: str, colour: Any) -> list[End]:
    """Draw the scores of a cell over the size of its state, and return the end of the line."""
    if not groups:
        return []
    groups = sorted(groups, key=state_size)
    sizes, scores = [state_size(group) for group in groups], [group.scores for group in groups]
    middle = np.array([np.median(one) for one in scores])
    ends = np.array([[np.median(one) - one.min(), one.max() - np.median(one)] for one in scores]).T
    ax.errorbar(sizes, middle, ends, color=colour, marker="o", elinewidth=0.8)
    return [End(float(middle[-1]), cell, colour)]
