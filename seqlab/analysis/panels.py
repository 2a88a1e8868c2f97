"""What do the pictures of a sweep share? A panel a task and architecture, and a colour a kind of run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.sweep_runs import spelt

PANEL = ("task", "architecture")
"""The keys that the groups of one panel share."""

ACROSS = 3
"""The most panels side by side."""

MOST_COLOURS = 20
"""The most kinds of run told apart; of more, the best."""


@dataclasses.dataclass(frozen=True)
class Panel:
    """The groups that are judged by one metric: of one task in one architecture.

    Attributes:
        title: these two.
        groups: the groups, of which some run finished.
    """

    title: str
    groups: Sequence[Group]

    @property
    def finished(self) -> list[Group]:
        """The groups of which some run finished."""
        return [group for group in self.groups if group.finished]

    @property
    def summary(self) -> Mapping[str, Any]:
        """The summary of a finished run, for what they share."""
        return self.finished[0].finished[0].summary

    @property
    def metric(self) -> str:
        """The name of the deciding metric."""
        return self.summary["metric"]

    @property
    def higher_is_better(self) -> bool:
        """The direction of the deciding metric."""
        return self.finished[0].finished[0].higher_is_better

    @property
    def ranked(self) -> list[Group]:
        """The groups whose scores are finite, best first."""
        sign = -1 if self.higher_is_better else 1
        told = [group for group in self.finished if len(group.scores) and np.isfinite(group.scores).all()]
        return sorted(told, key=lambda group: sign * float(group.scores.mean()))

    def scale(self, values: np.ndarray) -> str:
        """Return the scale that suits values of the metric: log for errors that differ tenfold."""
        return "linear" if self.higher_is_better or not spans_decades(values) else "log"


def spans_decades(values: np.ndarray) -> bool:
    """Say whether the finite values are all positive, the largest ten times the smallest or more."""
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and finite.min() > 0 and finite.max() >= 10 * finite.min()


def panels(groups: Sequence[Group]) -> list[Panel]:
    """Return the panels in which something finished."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(f"{group.key['task']}, {group.key['architecture']}", []).append(group)
    shown = [Panel(title, members) for title, members in found.items()]
    return [panel for panel in shown if panel.finished]


def varying(groups: Sequence[Group]) -> list[str]:
    """Return the keys that tell groups of one panel, of a task and an architecture, apart."""
    panels = {_values(group, PANEL) for group in groups}
    keys = [key for key in groups[0].key if key not in PANEL]
    return [key for key in keys if len({_values(group, (*PANEL, key)) for group in groups}) > len(panels)]


def _values(group: Group, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(group.key[key]) for key in keys)


@dataclasses.dataclass(frozen=True)
class Kinds:
    """The kinds of run there are, told apart by colour, the same in every panel.

    Attributes:
        keys: what parts groups of one panel.
        colours: a colour a label; a label without one is drawn in grey, behind the others.
    """

    keys: Sequence[str]
    colours: Mapping[str, Any]

    def style(self, group: Group) -> dict[str, Any]:
        """Return the arguments with which matplotlib draws a group."""
        name = self.label(group)
        if name not in self.colours:
            return {"color": "lightgrey", "zorder": 1, "label": "others"}
        return {"color": self.colours[name], "zorder": 2, "label": name}

    def label(self, group: Group) -> str:
        """Say what tells a group from the others."""
        words = [_worded(key, group.key[key]) for key in self.keys if key != "cell"]
        return ", ".join([str(group.key["cell"]), *words])


def _worded(key: str, value: Any) -> str:
    """Name a value by its key; one of a group's files by itself."""
    return spelt(value) if "/" in key else f"{key.rpartition('.')[2]} {spelt(value)}"


def kinds(shown: Sequence[Panel]) -> Kinds:
    """Return the kinds of run in some panels; where there are many, only the best of each have a colour."""
    from matplotlib import colormaps

    groups = [group for panel in shown for group in panel.finished]
    found = Kinds(varying(groups), {})
    names = dict.fromkeys(map(found.label, groups))
    if len(names) > MOST_COLOURS:
        best = max(1, MOST_COLOURS // len(shown))
        names = dict.fromkeys(found.label(group) for panel in shown for group in panel.ranked[:best])
    palette = colormaps["tab10" if len(names) <= 10 else "tab20"].colors
    return dataclasses.replace(found, colours=dict(zip(names, palette, strict=False)))


def canvas(shown: Sequence[Panel], across: int = ACROSS, width: float = 4.2) -> tuple[Any, Sequence[Any]]:
    """Return a figure and its axes, one a panel, titled.

    Args:
        shown: the panels, at least one.
        across: the most panels side by side.
        width: of a panel, in inches.
    """
    from matplotlib.figure import Figure

    columns = min(across, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(width * columns + 2.2, 3.3 * rows), dpi=110, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel, ax in zip(shown, axes, strict=False):
        ax.set_title(panel.title, fontsize=10, pad=10)
    for ax in axes[len(shown) :]:
        ax.remove()
    return figure, axes[: len(shown)]


def add_legend(figure: Any) -> None:
    """Name what the panels show, each name once, beside them."""
    named = {}
    for ax in figure.axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    figure.legend(named.values(), named.keys(), loc="outside right upper", fontsize=8, frameon=False)
