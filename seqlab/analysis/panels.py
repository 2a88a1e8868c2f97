"""Layout of a sweep's figures: one panel per task and architecture, one colour per kind of run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.sweep_runs import override_text
from seqlab.tracking.figure_style import colours, styled
from seqlab.tracking.lines import number

PANEL = ("task", "architecture")
"""The keys that the groups of one panel share."""

MAX_COLUMNS = 3
"""The most panels side by side."""

MAX_COLOURS = 20
"""The most kinds of run that get a colour; where there are more, the best do."""

PANEL_WIDTH, PANEL_HEIGHT, AXES_HEIGHT = 2.6, 2.6, 1.8
"""The size of a panel without labels beside it, and about the height of its axes, in inches."""


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
        return ranked(self.groups)

    def scale(self, values: np.ndarray) -> str:
        """Return the axis scale for values of the metric: log for errors that span a factor of ten."""
        return "linear" if self.higher_is_better or not spans_decades(values) else "log"


def spans_decades(values: np.ndarray) -> bool:
    """Return whether the finite values are positive and the largest is at least ten times the smallest."""
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and finite.min() > 0 and finite.max() / 10 >= finite.min()


def ranked(groups: Sequence[Group]) -> list[Group]:
    """Return the groups whose scores are all finite, best mean first; they share a deciding metric."""
    finite = [group for group in groups if len(group.scores) and np.isfinite(group.scores).all()]
    sign = -1 if finite and finite[0].finished[0].higher_is_better else 1
    return sorted(finite, key=lambda group: sign * float(group.scores.mean()))


def panels(groups: Sequence[Group]) -> list[Panel]:
    """Return the panels with at least one finished run."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(f"{group.key['task']}, {group.key['architecture']}", []).append(group)
    shown = [Panel(title, members) for title, members in found.items()]
    return [panel for panel in shown if panel.finished]


def problem_panels(groups: Sequence[Group]) -> list[Panel]:
    """Return the panels with at least one finished run, one per problem.

    Groups work on one problem if they share the task with all its swept keys, and the architecture. Scores on
    different problems have different baselines.
    """
    keys = [key for group in groups[:1] for key in group.key if key.startswith(("task.", "task/"))]
    keys = [key for key in keys if len({str(group.key[key]) for group in groups}) > 1]
    texts = {key: value_texts([group.key[key] for group in groups]) for key in keys}
    found: dict[str, list[Group]] = {}
    for group in groups:
        further = [f"{key.rpartition('.')[2]}={texts[key][group.key[key]]}" for key in keys]
        found.setdefault(", ".join([*(str(group.key[key]) for key in PANEL), *further]), []).append(group)
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
        names: the text that distinguishes a group from the others, by `group_id`.
        colours: the colour of each text; one without is drawn in grey, behind the others.
    """

    names: Mapping[tuple[str, ...], str]
    colours: Mapping[str, Any]

    def style(self, group: Group) -> dict[str, Any]:
        """Return matplotlib's arguments for drawing a group."""
        name = self.label(group)
        if name not in self.colours:
            return {"color": "lightgrey", "zorder": 1, "label": "others"}
        return {"color": self.colours[name], "zorder": 2, "label": name}

    def label(self, group: Group) -> str:
        """Return the text that distinguishes a group from the others."""
        return self.names[_group_id(group)]


def _group_id(group: Group) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in group.key.items())


def named(together: Sequence[Sequence[Group]]) -> Kinds:
    """Return the texts that distinguish groups, without colours.

    Args:
        together: the groups of each panel.
    """
    groups = [group for members in together for group in members]
    keys = [key for key in varying(groups) if any(_differ(members, key) for members in together)]
    texts = {key: value_texts([group.key[key] for group in groups]) for key in keys}
    tells_cell = any("/" in key and _determines(key, "cell", groups) for key in keys)

    def name(group: Group) -> str:
        words = [_key_and_value(key, texts[key][group.key[key]]) for key in keys if key != "cell"]
        return ", ".join(words if tells_cell else [str(group.key["cell"]), *words])

    return Kinds({_group_id(group): name(group) for group in groups}, {})


def kinds(shown: Sequence[Panel]) -> Kinds:
    """Return the kinds of run in panels; where there are many, only the best of each panel get a colour."""
    names = named([panel.finished for panel in shown]).names
    coloured = dict.fromkeys(names.values())
    if len(coloured) > MAX_COLOURS:
        best = max(1, MAX_COLOURS // len(shown))
        ranked = [group for panel in shown for group in panel.ranked[:best]]
        coloured = dict.fromkeys(names[_group_id(group)] for group in ranked)
    return Kinds(names, dict(zip(coloured, colours(len(coloured)), strict=True)))


def _differ(groups: Sequence[Group], key: str) -> bool:
    return len({str(group.key[key]) for group in groups}) > 1


def _determines(key: str, other: str, groups: Sequence[Group]) -> bool:
    """Return whether groups with one value of a key have one value of the other."""
    pairs = {(str(group.key[key]), str(group.key[other])) for group in groups}
    return len(pairs) == len({value for value, _ in pairs})


def value_texts(values: Sequence[Any]) -> dict[Any, str]:
    """Return a short text for each value: numbers have as few digits as tell them apart, but three."""
    distinct = list(dict.fromkeys(values))
    for digits in range(3, 17):
        texts = {
            value: number(value, digits) if isinstance(value, float) else override_text(value)
            for value in distinct
        }
        if len(set(texts.values())) == len(distinct):
            return texts
    return {value: override_text(value) for value in distinct}


def _key_and_value(key: str, text: str) -> str:
    """Return a value after its key; the name of a config group's file stands alone."""
    return text if "/" in key else f"{key.rpartition('.')[2]} {text}"


def canvas(
    shown: Sequence[Panel],
    max_columns: int = MAX_COLUMNS,
    width: float | None = None,
    panel: tuple[float, float] = (PANEL_WIDTH + 1, PANEL_HEIGHT),
) -> tuple[Any, Sequence[Any]]:
    """Return a figure and its axes, one per panel, with titles.

    Args:
        shown: the panels, at least one.
        max_columns: the most panels side by side.
        width: of the figure, in inches; None for that of its panels.
        panel: the width and the height of a panel, in inches; with a width of the figure, panels may be as
            narrow as two thirds of that.
    """
    from matplotlib.figure import Figure

    fit = max_columns if width is None else max(1, int(width / (panel[0] * 2 / 3)))
    columns = min(max_columns, fit, len(shown))
    rows = math.ceil(len(shown) / columns)
    with styled():
        size = width or panel[0] * columns, panel[1] * rows
        figure = Figure(figsize=size, layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for one, ax in zip(shown, axes, strict=False):
            ax.set_title(one.title, loc="left", pad=12)
    for ax in axes[len(shown) :]:
        ax.remove()
    return figure, axes[: len(shown)]
