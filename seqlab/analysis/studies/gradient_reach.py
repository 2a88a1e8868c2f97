"""Study of the reach of gradients: how far back a loss depends on the inputs, before and after learning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.analysis.groups import Group
from seqlab.analysis.markdown import markdown
from seqlab.analysis.reach import REMAINS, Reach, measure_reach, reach
from seqlab.analysis.studies.learning import distinguishing, medians, read_groups
from seqlab.analysis.studies.study import Study
from seqlab.runs import load
from seqlab.tracking import read_summary
from seqlab.tracking.figure_style import GREY, PALETTE, SMALL, styled

SHOWN = 4.0
"""The decades that the figure shows on either side of the gradient at the last step."""
COLUMNS, WIDTH, HEIGHT = 5, 1.5, 1.15


class GradientReach(Study):
    """Reports the reach of the gradient of every model, before and after learning, beside theory.

    The reach is the greatest distance k to the end at which

        ‖∂L/∂x_{T−k}‖ ≥ 0.01 ‖∂L/∂x_T‖

    It takes a task with one loss, at the last step. The inputs' gradient is comparable among all cells,
    attention included.

    Attributes:
        rates: by cell, the factor a by which theory says that the slowest path of the state shrinks in a step
            at the start. The reach of theory is ln 0.01 / ln a, without an end where a is 1.
    """

    def __init__(self, folder: str, rates: Mapping[str, float]) -> None:
        """Take the folder and the factors."""
        super().__init__(folder)
        self.rates = rates

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        groups = [group for group in read_groups(sweep) if group.finished]
        found = [[_measure(run.folder) for run in group.finished] for group in groups]
        names = [", ".join(distinguishing(group, groups).values()) for group in groups]
        lines = [
            distinguishing(group, groups) | {"runs": str(len(runs))} | self._line(group, runs)
            for group, runs in zip(groups, found, strict=True)
        ]
        return _figure(names, found), markdown(lines)

    def _line(self, group: Group, runs: Sequence[Reach]) -> dict[str, str]:
        metric, scores = group.aggregate()["metric"], [float(score) for score in group.scores]
        rate = self.rates.get(str(group.key["cell"]))
        last = len(runs[0].before) - 1
        return {
            "factor a step": "–" if rate is None else f"{rate:g}",
            "reach in theory": "–" if rate is None else theory(rate, last),
            "reach at the start": medians([reach(run.before) for run in runs]),
            "reach after learning": medians([reach(run.after) for run in runs]),
            f"test {metric}": medians(scores),
        }


def _measure(run: Path) -> Reach:
    program, best = load(run)
    return measure_reach(program, best, read_summary(run)["seed"])


def theory(rate: float, last: int) -> str:
    """Return the distance at which 1 % remains of what shrinks by a factor in each step, as text."""
    steps = math.inf if rate >= 1 else math.log(REMAINS) / math.log(rate)
    return f"{steps:.0f}" if steps < last else f"≥ {last}"


@styled()
def _figure(names: Sequence[str], found: Sequence[Sequence[Reach]]) -> Any:
    """Draw a panel for each model: decades over the distance to the end, before and after learning."""
    from matplotlib.figure import Figure

    rows = math.ceil(len(names) / COLUMNS)
    figure = Figure(figsize=(COLUMNS * WIDTH, rows * HEIGHT + 0.4), layout="constrained")
    axes = list(figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True).flat)
    for name, runs, ax in zip(names, found, axes, strict=False):
        ax.axhline(math.log10(REMAINS), color=GREY, linewidth=0.6, linestyle=":")
        for run in runs:
            ax.plot(run.before, color=GREY, linewidth=0.9)
            ax.plot(run.after, color=PALETTE[0], linewidth=1.2)
        ax.set_title(name, loc="left", fontsize=SMALL)
        ax.set(ylim=(-SHOWN, SHOWN))
    for ax in axes[len(names) :]:
        ax.remove()
    axes[0].plot([], color=GREY, label="before learning")
    axes[0].plot([], color=PALETTE[0], label="after learning")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    figure.supxlabel("steps before the end", fontsize=SMALL)
    figure.supylabel("decades gained since the last step", fontsize=SMALL)
    return figure
