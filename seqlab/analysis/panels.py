"""Layout of a sweep's figures: one panel per task and architecture, one colour per kind of run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.sweep_runs import override_text

PANEL = ("task", "architecture")
"""The keys that the groups of one panel share."""

MAX_COLUMNS = 3
"""The most panels side by side."""

MAX_COLOURS = 20
"""The most kinds of run that get a colour; where there are more, the best do."""


@dataclasses.dataclass(frozen=True)
class Panel:
    """The groups of one task and one architecture, which share a deciding metric.

    Attributes:
        title: the task and the architecture.
        groups: the groups.
    """

    title: str
    groups: Sequence[Group]

    @property
    def finished(self) -> list[Group]:
        """The groups with at least one finished run."""
        return [group for group in self.groups if group.finished]

    @property
    def summary(self) -> Mapping[str, Any]:
        """The summary of a finished run, for what all runs share."""
        return self.finished[0].finished[0].summary

    @property
    def metric(self) -> str:
        """The name of the deciding metric."""
        return self.summary["metric"]

    @property
    def higher_is_better(self) -> bool:
        """The direction of the deciding metric."""
        return bool(self.finished[0].finished[0].higher_is_better)

    @property
    def ranked(self) -> list[Group]:
        """The groups whose scores are all finite, best first."""
        sign = -1 if self.higher_is_better else 1
        finite = [group for group in self.finished if len(group.scores) and np.isfinite(group.scores).all()]
        return sorted(finite, key=lambda group: sign * float(group.scores.mean()))

    def scale(self, values: np.ndarray) -> str:
        """Return the axis scale for values of the metric: log for errors that span a factor of ten."""
        return "linear" if self.higher_is_better or not spans_decades(values) else "log"


def spans_decades(values: np.ndarray) -> bool:
    """Return whether the finite values are positive and the largest is at least ten times the smallest."""
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and finite.min() > 0 and finite.max() >= 10 * finite.min()


def panels(groups: Sequence[Group]) -> list[Panel]:
    """Return the panels with at least one finished run."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(f"{group.key['task']}, {group.key['architecture']}", []).append(group)
    shown = [Panel(title, members) for title, members in found.items()]
    return [panel for panel in shown if panel.finished]


def varying(groups: Sequence[Group]) -> list[str]:
    """Return the keys that distinguish groups of one panel."""
    panels = {_values(group, PANEL) for group in groups}
    keys = [key for group in groups[:1] for key in group.key if key not in PANEL]
    return [key for key in keys if len({_values(group, (*PANEL, key)) for group in groups}) > len(panels)]


def _values(group: Group, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(group.key[key]) for key in keys)


@dataclasses.dataclass(frozen=True)
class Kinds:
    """The kinds of run in a figure, each with one colour in every panel.

    Attributes:
        keys: the keys that distinguish groups of one panel.
        colours: the colour of each label; a label without one is drawn in grey, behind the others.
    """

    keys: Sequence[str]
    colours: Mapping[str, Any]

    def style(self, group: Group) -> dict[str, Any]:
        """Return matplotlib's arguments for drawing a group."""
        name = self.label(group)
        if name not in self.colours:
            return {"color": "lightgrey", "zorder": 1, "label": "others"}
        return {"color": self.colours[name], "zorder": 2, "label": name}

    def label(self, group: Group) -> str:
        """Return the text that distinguishes a group from the others."""
        words = [_key_and_value(key, group.key[key]) for key in self.keys if key != "cell"]
        return ", ".join([str(group.key["cell"]), *words])


def _key_and_value(key: str, value: Any) -> str:
    """Return a value after its key; the name of a config group's file stands alone."""
    return override_text(value) if "/" in key else f"{key.rpartition('.')[2]} {override_text(value)}"


def kinds(shown: Sequence[Panel]) -> Kinds:
    """Return the kinds of run in panels; where there are many, only the best of each panel get a colour."""
    from matplotlib import colormaps

    groups = [group for panel in shown for group in panel.finished]
    found = Kinds(varying(groups), {})
    names = dict.fromkeys(map(found.label, groups))
    if len(names) > MAX_COLOURS:
        best = max(1, MAX_COLOURS // len(shown))
        names = dict.fromkeys(found.label(group) for panel in shown for group in panel.ranked[:best])
    palette: Any = colormaps["tab10" if len(names) <= 10 else "tab20"]
    return dataclasses.replace(found, colours=dict(zip(names, palette.colors, strict=False)))


def canvas(
    shown: Sequence[Panel], max_columns: int = MAX_COLUMNS, width: float = 4.2
) -> tuple[Any, Sequence[Any]]:
    """Return a figure and its axes, one per panel, with titles.

    Args:
        shown: the panels, at least one.
        max_columns: the most panels side by side.
        width: of a panel, in inches.
    """
    from matplotlib.figure import Figure

    columns = min(max_columns, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(width * columns + 2.2, 3.3 * rows), dpi=110, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel, ax in zip(shown, axes, strict=False):
        ax.set_title(panel.title, fontsize=10, pad=10)
    for ax in axes[len(shown) :]:
        ax.remove()
    return figure, axes[: len(shown)]


def add_legend(figure: Any) -> None:
    """Add a legend beside the panels that contains each label once."""
    named = {}
    for ax in figure.axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    figure.legend(named.values(), named.keys(), loc="outside right upper", fontsize=8, frameon=False)
