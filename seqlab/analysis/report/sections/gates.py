"""Gates and the recurrent Jacobian over the steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.report.curves import COLOURS, MAX_POINTS, ZERO, curve_chart, members_of
from seqlab.analysis.report.entries import Entries, Entry
from seqlab.analysis.report.parts import Chart, Section, compact
from seqlab.tracking.thinning import thinned

SHARES = ("mean", "closed", "open")

JACOBIAN = (
    ("spectral_radius", "Spectral radius of the recurrent matrix"),
    ("spectral_norm", "Spectral norm of the recurrent matrix"),
    ("lyapunov", "Largest Lyapunov exponent, nats a step"),
)
"""The last part of a key, and what it is. The Lyapunov exponents are a list, the largest first."""

_GATE = re.compile(r"gates/(.+)/mean")
_SINGULAR = re.compile(r"recurrent/(.*/)?log10_singular_value/(\d+)")
_UNIT = {"yaxis": {"title": {"text": "share"}, "range": [-0.02, 1.02]}}


def gates(entries: Entries) -> Section | None:
    """Return the mean activation of each gate; of a single run also how much of it is closed and open."""
    charts: list[Chart] = []
    for name in entries.panels:
        for gate in dict.fromkeys(
            found[1] for key in _keys(entries, name) if (found := _GATE.fullmatch(key))
        ):
            charts += _gate_charts(entries, name, gate)
    says = (
        "The mean over the units and the real steps of a batch. "
        "The forget and the update gate are the share of the state that is kept. "
        "Closed is the share of activations below 0.05, and open the share from 0.95."
    )
    return Section("gates", "Gates", charts, says) if charts else None


def _gate_charts(entries: Entries, name: str, gate: str) -> Iterable[Chart]:
    if entries.single:
        yield _shares(entries.single, name, gate)
        if chart := _histogram(entries.single, name, gate):
            yield chart
    elif chart := curve_chart(
        entries,
        name,
        f"gates/{gate}/mean",
        f"Gate {gate}, mean",
        f"mean of the gate {gate}",
        log=False,
        layout=_UNIT,
    ):
        yield chart
    memory = f"gates/{gate}/memory_steps"
    if chart := curve_chart(
        entries,
        name,
        memory,
        f"Gate {gate}, memory in steps",
        f"steps for which the gate {gate} keeps the state",
    ):
        yield chart


def _shares(entry: Entry, name: str, gate: str) -> Chart:
    """Return mean, closed and open share of a gate of one run."""
    data: list[dict[str, Any]] = []
    for place, part in enumerate(SHARES):
        steps, values = entry.series(f"gates/{gate}/{part}")
        kept = thinned(len(steps), MAX_POINTS)
        line = {"color": COLOURS[place]}
        points = {"x": steps[kept].tolist(), "y": compact(values[kept])}
        data.append({"type": "scatter", "mode": "lines", "name": part, **points, "line": line})
    layout = {"xaxis": {"title": {"text": "step"}}, "showlegend": True, **_UNIT}
    return Chart(
        f"Gate {gate}",
        f"Gate {gate} over the steps: its mean, the share closed (below 0.05) and the share open (from 0.95)",
        data,
        layout,
        name,
    )


def _histogram(entry: Entry, name: str, gate: str) -> Chart | None:
    """Return the distribution of a gate's values over the steps."""
    rows = [row for row in entry.rows if f"gates/{gate}/histogram" in row]
    counts = np.array([row[f"gates/{gate}/histogram"] for row in rows], float)
    if counts.ndim != 2 or not len(counts):
        return None
    kept = thinned(len(rows), 60)
    shares = counts[kept] / np.maximum(counts[kept].sum(axis=1, keepdims=True), 1)
    bins = counts.shape[1]
    heat = {
        "type": "heatmap",
        "x": [rows[index]["step"] for index in kept],
        "y": compact((np.arange(bins) + 0.5) / bins),
        "z": [compact(np.round(line, 3)) for line in shares.T],
        "zmin": 0,
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": "share"}, "thickness": 10},
        "hovertemplate": "step %{x}, activation %{y}: %{z} of the units<extra></extra>",
    }
    layout = {"xaxis": {"title": {"text": "step"}}, "yaxis": {"title": {"text": "activation"}}}
    return Chart(
        f"Gate {gate}, distribution", f"Distribution of the gate {gate} over the steps", [heat], layout, name
    )


def jacobian(entries: Entries) -> Section | None:
    """Return spectra, Lyapunov exponents and singular values, where `gradients=full` logged them."""
    charts: list[Chart] = []
    for name in entries.panels:
        for key in _keys(entries, name):
            charts += _jacobian_charts(entries, name, key)
    says = (
        "A Lyapunov exponent above 0 means that nearby states move apart, so that gradients explode. "
        "Below 0 gradients vanish."
    )
    return Section("jacobian", "Recurrent Jacobian", charts, says) if charts else None


def _jacobian_charts(entries: Entries, name: str, key: str) -> Iterable[Chart]:
    room, _, last = key.rpartition("/")
    layer = room.removeprefix("recurrent").strip("/")
    where = f": {layer}" if layer else ""
    chart = None
    if room.startswith("recurrent") and (title := dict(JACOBIAN).get(last)):
        place = 0 if last == "lyapunov" else None
        chart = curve_chart(
            entries,
            name,
            key,
            f"{title}{where}",
            title,
            place,
            log=False,
            layout={"shapes": [ZERO]} if place == 0 else {},
        )
    elif found := _SINGULAR.fullmatch(key):
        title = f"log10 of the largest singular value over {found[2]} steps"
        chart = curve_chart(entries, name, key, title, title, log=False, layout={"shapes": [ZERO]})
    if chart:
        yield chart


def _keys(entries: Entries, name: str) -> Sequence[str]:
    """Return the keys that the runs of a panel logged."""
    found: Mapping[str, None] = {}
    for entry in members_of(entries.panels[name]):
        found = {**found, **entry.keys}
    return list(found)
