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
from seqlab.analysis.sweep_figures import REFERENCE_LABELS, draw_references
from seqlab.tracking.figure_style import colours, styled


class StateSizes(Study):
    """Reports the test score of every model at each of its sizes, beside the size of its state.

    A line of the figure joins the sizes of one cell: the median over seeds, with a bar from the lowest to the
    highest score. A network without a state, such as `one_to_one`, is in the table alone.
    """

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        groups = read_groups(sweep)
        _, table = learning_summary(sweep, lambda group: {"state size": _text(group.size("state_size"))})
        return _figure([group for group in groups if group.finished]), table


def _text(size: int | None) -> str:
    return "–" if size is None else f"{size:,}"


@styled()
def _figure(groups: Sequence[Group]) -> Any:
    shown = problem_panels(groups)
    cells = list(dict.fromkeys(str(group.key["cell"]) for group in groups))
    palette = dict(zip(cells, colours(len(cells)), strict=True))
    figure, axes = canvas(
        shown, panel=(2 * PANEL_WIDTH + label_width([*REFERENCE_LABELS, *cells]), PANEL_HEIGHT)
    )
    for panel, ax in zip(shown, axes, strict=True):
        ends: list[End] = []
        for cell, colour in palette.items():
            ends += _line(ax, [group for group in panel.finished if group.key["cell"] == cell], cell, colour)
        ends += draw_references(ax, [group.finished[0].summary for group in panel.finished])
        ax.set(xscale="log", xlabel="numbers of the state", ylabel=f"test {panel.metric}")
        ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # final, so labels can be placed
        label_ends(ax, ends, AXES_HEIGHT)
    return figure


def _line(ax: Any, groups: Sequence[Group], cell: str, colour: Any) -> list[End]:
    """Draw the scores of a cell over the size of its state, and return the end of the line."""
    pairs = [(size, group.scores) for group in groups if (size := group.size("state_size"))]
    if not pairs:
        return []
    sizes, scores = zip(*sorted(pairs, key=lambda pair: pair[0]), strict=True)
    middle = np.array([np.median(one) for one in scores])
    ends = np.array([[np.median(one) - one.min(), one.max() - np.median(one)] for one in scores]).T
    ax.errorbar(sizes, middle, ends, color=colour, marker="o", elinewidth=0.8)
    return [End(float(middle[-1]), cell, colour)]
