"""Curves of groups of runs: medians with bands, single runs, and the lines of reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.panels import spans_decades
from seqlab.analysis.report.entries import Entries, Entry, Panel
from seqlab.analysis.report.parts import Chart, compact
from seqlab.tracking.lines import number
from seqlab.tracking.thinning import thinned

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")
"""Colours that colour-blind readers can tell apart and that are visible on white and on black.

Source: Okabe & Ito 2008, "Color universal design", without black and yellow.
"""

DASHES = ("solid", "dash", "dot", "dashdot")
"""Styles of lines, which tell groups apart where there are more of them than colours."""

MAX_POINTS, FEW_POINTS = 120, 40
"""The most points of a curve, and of one of many."""

MOST_LABELLED = 2.5
"""The most decades of a log axis that has more than one label a decade."""

GREY = "#888888"

ZERO = {
    "type": "line",
    "xref": "paper",
    "x0": 0,
    "x1": 1,
    "y0": 0,
    "y1": 0,
    "line": {"color": GREY, "width": 1},
}
"""A line of a layout at the height 0."""


def style(number: int) -> dict[str, str]:
    """Return the colour and the dash of a group."""
    return {"color": COLOURS[number % len(COLOURS)], "dash": DASHES[number // len(COLOURS) % len(DASHES)]}


def lasting(members: Sequence[Entry]) -> Sequence[Entry]:
    """Return the runs whose statistics are drawn: those that did not diverge or fail, or else all."""
    return [entry for entry in members if entry.run.status not in ("diverged", "failed")] or members


def together(
    members: Sequence[Entry], key: str, place: int | None = None, most: int = MAX_POINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `most` steps at which runs logged a key, `(S,)`, and their values, `(n, S)`, or NaN."""
    series = [entry.series(key, place) for entry in members]
    steps = np.unique(np.concatenate([steps for steps, _ in series])) if series else np.zeros(0)
    steps = steps[thinned(len(steps), most)]
    found = np.full((len(series), len(steps)), np.nan)
    for row, (at, values) in zip(found, series, strict=True):
        last = dict(zip(at.tolist(), values.tolist(), strict=True))
        row[:] = [last.get(step, np.nan) for step in steps.tolist()]
    return steps, found


def curve_chart(
    entries: Entries,
    panel: str,
    key: str,
    title: str,
    says: str,
    place: int | None = None,
    log: bool | None = None,
    layout: Mapping[str, Any] | None = None,
) -> Chart | None:
    """Return a chart of a key over the steps: of each group the median, the middle half, and each run.

    Args:
        entries: all runs.
        panel: the name of the task and architecture.
        key: the key of a row.
        title: of the chart.
        says: what it shows, in a sentence.
        place: the place in a list; None for a number.
        log: whether the axis is logarithmic; None lets the values decide.
        layout: further keys of Plotly's layout.

    Returns:
        The chart; None where no run logged the key.
    """
    data: list[dict[str, Any]] = []
    drawn: list[np.ndarray] = []
    for group, members in entries.panels[panel].items():
        steps, values = together(lasting(members), key, place, FEW_POINTS if entries.is_large else MAX_POINTS)
        if np.isfinite(values).any():
            names = None if entries.is_large else [entry.name for entry in lasting(members)]
            data += _group_traces(group, entries.labels[group], names, steps, values)
            drawn.append(values.ravel())
        data += _crosses(group, entries.labels[group], members, key, place)
    if not drawn:
        return None
    log = spans_decades(np.concatenate(drawn)) if log is None else log
    axis = _log_axis(np.concatenate(drawn)) if log else {}
    return Chart(
        title,
        f"{key}: {says}",
        data,
        {"xaxis": {"title": {"text": "step"}}, "yaxis": axis, **(layout or {})},
        panel=panel,
    )


def _log_axis(values: np.ndarray) -> dict[str, Any]:
    """Return a log axis, with labels at 1, 2 and 5 of each decade where the values span few of them."""
    finite = values[np.isfinite(values) & (values > 0)]
    ends = np.log10([finite.min(), finite.max()]) if len(finite) else np.zeros(2)
    low, high = ends.tolist()
    if high - low > MOST_LABELLED:
        return {"type": "log", "dtick": max(1, round((high - low) / 6)), "exponentformat": "power"}
    decades = range(max(math.floor(low) - 1, -307), min(math.ceil(high) + 2, 308))
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return {"type": "log", "tickvals": compact(ticks), "ticktext": [number(tick) for tick in ticks]}


def _group_traces(
    number: int, label: str, names: Sequence[str] | None, steps: np.ndarray, values: np.ndarray
) -> list[dict[str, Any]]:
    """Return the band and the median of a group, and a curve for each run whose name is given."""
    line, group = style(number), {"legendgroup": str(number)}
    seen = np.isfinite(values).any(axis=0)
    x, shown = steps[seen].tolist(), values[:, seen]
    median = {"meta": "median", **group}
    if len(shown) == 1:
        return [_line(label, x, shown[0], {**line, "width": 2}) | median]
    low, middle, high = np.nanquantile(shown, [0.25, 0.5, 0.75], axis=0)
    edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "x": x, **group}
    fill = {"fill": "tonexty", "fillcolor": _faint(line["color"])}
    runs = [
        _line(f"{label}, {name}", x, one, {**line, "width": 1}) | {"meta": "run", "opacity": 0.6, **group}
        for name, one in zip(names or (), shown, strict=False)
    ]
    band = [edge | {"y": compact(low)}, edge | {"y": compact(high)} | fill]
    return [*band, *runs, _line(label, x, middle, {**line, "width": 2}) | median]


def _line(name: str, x: list[float], y: np.ndarray, line: dict[str, Any]) -> dict[str, Any]:
    mode = "lines" if len(x) > 1 else "markers"
    return {"type": "scatter", "mode": mode, "name": name, "x": x, "y": compact(y), "line": line}


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _crosses(
    number: int, label: str, members: Sequence[Entry], key: str, place: int | None
) -> list[dict[str, Any]]:
    """Return a cross at the last finite value of each run that diverged."""
    traces: list[dict[str, Any]] = []
    for entry in members:
        steps, values = entry.series(key, place)
        last = np.flatnonzero(np.isfinite(values))[-1:]
        if entry.run.status == "diverged" and len(last):
            marker = {"symbol": "x", "size": 9, "color": style(number)["color"]}
            trace = {"type": "scatter", "mode": "markers", "name": f"{label}, {entry.name}: diverged"}
            at = {"x": steps[last].tolist(), "y": compact(values[last])}
            traces.append({**trace, **at, "marker": marker, "legendgroup": str(number)})
    return traces


def reference(value: float, text: str, dash: str) -> dict[str, Any]:
    """Return a horizontal line across a chart, with a label at its left end, for `references`."""
    return {"value": value, "text": text, "dash": dash}


def references(found: Sequence[dict[str, Any]], log: bool) -> dict[str, Any]:
    """Return the keys of a layout that draw horizontal lines with labels."""
    drawn = [one for one in found if not log or one["value"] > 0]
    shapes = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": one["value"],
            "y1": one["value"],
            "line": {"color": GREY, "width": 1.2, "dash": one["dash"]},
        }
        for one in drawn
    ]
    labels = [
        {
            "xref": "paper",
            "x": 1,
            "y": float(np.log10(one["value"])) if log else one["value"],
            "text": one["text"],
            "showarrow": False,
            "xanchor": "right",
            "yanchor": "bottom",
            "font": {"size": 11},
        }
        for one in drawn
    ]
    return {"shapes": shapes, "annotations": labels}


def members_of(panel: Panel) -> list[Entry]:
    """Return all runs of a panel."""
    return [entry for members in panel.values() for entry in members]
