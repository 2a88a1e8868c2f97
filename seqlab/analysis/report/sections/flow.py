"""Gradient through time: heat maps of log10 ‖∂L/∂h_t‖ on one colour scale, and their slopes."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.report.curves import ZERO, curve_chart, lasting
from seqlab.analysis.report.entries import Entries, Entry
from seqlab.analysis.report.parts import Chart, ColourScale, Section, compact
from seqlab.tracking.gradient_flow import (
    EXPLODED,
    LOG10_NORM,
    SLOPE,
    VANISHED,
    Flow,
    colour_range,
    flow_of,
)

MAX_MAPS, MOST_MAPS = 24, 48
"""The heat maps that tasks share, each having one at least, and the most of all."""

MAX_SIZE = 56
"""The most rows, and the most t, of a heat map."""

COLOURS = (
    (0.0, VANISHED),
    (0.25, "#92c5de"),
    (0.5, "#f7f7f7"),
    (0.75, "#f4a582"),
    (1.0, EXPLODED),
)
"""Blue has vanished, white is equal, red has exploded; colour-blind readers can tell them apart.

Source: C. Brewer, ColorBrewer 2.0, RdBu.
"""

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
"""The digits of a power."""

_LOWER = re.compile(r"grads/through_time/(.+)/log10_norm")


def flow(entries: Entries) -> Section | None:
    """Return the heat maps of each group of runs, and the slopes over the steps."""
    most = max(1, MAX_MAPS // max(1, len(entries.panels)))
    maps = [found for name in entries.panels for found in list(_flows(entries, name))[:most]][:MOST_MAPS]
    if not maps:
        return None
    reach = float(np.ceil(colour_range(one.flow for one in maps)))
    charts = [chart for name in entries.panels for chart in _slopes(entries, name)]
    power = f"{reach:g}".translate(RAISED)
    scale = ColourScale((f"vanished, 10⁻{power}", "equal", f"exploded, 10{power}"))
    says = (
        "Colour: norm of the gradient of the loss with respect to the hidden state at t, relative to that at "
        "the last t. All heat maps share one colour scale; grey is padding or not a number."
    )
    parts = [scale, *(_heat_map(one, reach) for one in maps), *charts]
    return Section("gradients", "Gradient through time", parts, says)


@dataclasses.dataclass(frozen=True)
class _Map:
    """A heat map to draw: its flow, the panel, the number and the label of its group."""

    flow: Flow
    panel: str
    group: int
    label: str


def _flows(entries: Entries, name: str) -> Iterable[_Map]:
    """Yield the median flow of each group; of a single run also the flows of its other layers."""
    for group, members in entries.panels[name].items():
        if found := median_flow(lasting(members)):
            yield _Map(found, name, group, entries.labels[group])
    if entries.single:
        keys = [key for key in entries.single.keys if _LOWER.fullmatch(key)]
        for key in keys:
            if found := _flow(_renamed(entries.single, key)):
                yield _Map(found, name, 0, key.split("/", 2)[2].removesuffix("/log10_norm"))


def _renamed(entry: Entry, key: str) -> list[Mapping[str, Any]]:
    """Return the rows of a layer's flow under the keys of the top layer."""
    slope = key.removesuffix("log10_norm") + "slope"
    return [
        {"step": row["step"], LOG10_NORM: row[key], SLOPE: row.get(slope, np.nan)}
        for row in entry.rows
        if key in row
    ]


def _flow(rows: Sequence[Mapping[str, Any]]) -> Flow | None:
    try:
        return flow_of(rows, "")
    except ValueError:  # no row holds the gradient
        return None


def median_flow(members: Sequence[Entry]) -> Flow | None:
    """Return the median flow of runs, at the steps that all of them logged; None where there is none."""
    flows = [found for entry in members if (found := _flow(entry.rows))]
    flows = [one for one in flows if one.log10_norm.shape[1] == flows[0].log10_norm.shape[1]]
    if not any(np.isfinite(one.relative).any() for one in flows):
        return None
    steps = sorted(set.intersection(*({*one.steps.tolist()} for one in flows)))
    if not steps:
        return None
    chosen = [[one.steps.tolist().index(step) for step in steps] for one in flows]
    with warnings.catch_warnings():  # a t that is padding in every run has no median
        warnings.simplefilter("ignore", RuntimeWarning)
        stacked = np.stack([one.log10_norm[rows] for one, rows in zip(flows, chosen, strict=True)])
        middle = np.nanmedian(stacked, axis=0)
        slope = np.nanmedian([one.slope[rows] for one, rows in zip(flows, chosen, strict=True)], axis=0)
    return dataclasses.replace(flows[0], steps=np.array(steps), log10_norm=middle, slope=slope)


def _heat_map(one: _Map, reach: float) -> Chart:
    first, last = (one.flow.verdict(row)[0] for row in (0, -1))
    words = first if first == last else f"{first}, then {last}"
    thin = one.flow.thinned(MAX_SIZE)
    heat = {
        "type": "heatmap",
        "x": thin.steps.tolist(),
        "y": thin.times.tolist(),
        "z": [compact(np.round(np.clip(line, -9, 9), 2)) for line in thin.relative.T],
        "zmin": -reach,
        "zmax": reach,
        "colorscale": [list(pair) for pair in COLOURS],
        "showscale": False,
        "hovertemplate": "step %{x}, t %{y}: 10^%{z} of the last t<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "step"}},
        "yaxis": {"title": {"text": "t"}},
        "plot_bgcolor": "#bbbbbb",
    }
    says = f"Gradient through time of {one.label} on {one.panel}: {words}"
    return Chart(f"{one.label}: {words}", says, [heat], layout, panel=one.panel, group=one.group)


def _slopes(entries: Entries, name: str) -> Iterable[Chart]:
    says = (
        "Decades that the gradient gains with each step back in time: below 0 it vanishes, above it explodes"
    )
    chart = curve_chart(
        entries,
        name,
        SLOPE,
        "Slope, decades a step back",
        says,
        log=False,
        layout={"shapes": [ZERO]},
    )
    if chart:
        yield chart
