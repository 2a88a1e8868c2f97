"""Study of the reach of gradients: how far back a loss depends on the inputs, before and after learning."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import distinguishing, medians, read_groups
from seqlab.analysis.studies.study import Study, markdown
from seqlab.diagnostics.builtin import GradientsThroughTime
from seqlab.runs import load
from seqlab.tracking import read_summary
from seqlab.tracking.figure_style import GREY, PALETTE, SMALL, styled

INPUTS = "grads/through_time/inputs/log10_norm"
REMAINS = 0.01
"""The share of the gradient at the last step that a step must have to be reached."""
SHOWN = 4.0
"""The decades that the figure shows on either side of the gradient at the last step."""
COLUMNS, WIDTH, HEIGHT = 5, 1.5, 1.15


class Reach(NamedTuple):
    """How the gradient of a run decays with the distance to the end of the sequence.

    Attributes:
        before: log10 of ‖∂L/∂x_{T−k}‖ / ‖∂L/∂x_T‖ before the first update, over k, `(T,)`.
        after: the same with the best parameters.
    """

    before: np.ndarray
    after: np.ndarray


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
        found = [[measure_reach(run.folder) for run in group.finished] for group in groups]
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


def measure_reach(run: Path) -> Reach:
    """Measure the gradients of a run's first parameters and of its best ones, on its first batch."""
    program, best = load(run)
    program = dataclasses.replace(program, diagnostics=(GradientsThroughTime(),))
    seed = jnp.uint32(read_summary(run)["seed"])
    start = program.init(seed, program.task.data)
    batch = program.batch(seed, start.step, program.task.data)
    diagnose = jax.jit(program.diagnose)
    found = (diagnose(state, batch)[INPUTS] for state in (start, start._replace(params=best)))
    before, after = (np.asarray(norms, float)[::-1] for norms in found)
    return Reach(before - before[0], after - after[0])


def reach(decades: np.ndarray) -> int:
    """Return the greatest distance at which at least 1 % of the gradient at the end remains.

    It is 0 where the gradient at the end is zero or no number, so that nothing can be compared with it.
    """
    return int(np.flatnonzero(decades >= math.log10(REMAINS))[-1:].sum())


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
