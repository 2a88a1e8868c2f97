"""Metrics by length, which `python -m seqlab.evaluate RUN_DIR --lengths …` wrote into run folders."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.report.curves import GREY, MAX_POINTS, reference, references, style
from seqlab.analysis.report.entries import Entries, Entry, panel_name
from seqlab.analysis.report.parts import Chart, Section, compact
from seqlab.tracking.lines import number
from seqlab.tracking.thinning import thinned


def lengths(entries: Entries) -> Section | None:
    """Return the deciding metric over the length, one chart for each task and architecture."""
    charts: dict[str, list[dict[str, Any]]] = {}
    trained: dict[str, tuple[float, float]] = {}
    baselines: dict[str, float] = {}
    by_folder = {entry.folder: entry for entry in entries.runs}
    for group in entries.groups:
        for entry in (by_folder[run.folder] for run in group.runs):
            for trace in _traces(entry, entries.number_of(group), entries):
                name = panel_name(group)
                charts.setdefault(name, []).append(trace)
                if span := _trained(entry):
                    trained[name] = span
                if (chance := entry.summary.get("chance")) is not None:
                    baselines[name] = chance
    parts = [_chart(name, traces, trained.get(name), baselines.get(name)) for name, traces in charts.items()]
    says = "The deciding metric at each length of sequences. The lengths of training are shaded."
    return Section("lengths", "By length", parts, says) if parts else None


def _chart(
    name: str, traces: list[dict[str, Any]], span: tuple[float, float] | None, chance: float | None
) -> Chart:
    drawn = references(
        [] if chance is None else [reference(chance, f"baseline {number(chance)}", "dot")], False
    )
    if span is not None:
        band = {"type": "rect", "yref": "paper", "x0": span[0] - 0.5, "x1": span[1] + 0.5, "y0": 0, "y1": 1}
        drawn["shapes"].append(
            {**band, "fillcolor": GREY, "opacity": 0.18, "line": {"width": 0}, "layer": "below"}
        )
    axes = {"xaxis": {"title": {"text": "length"}}, "yaxis": {"title": {"text": traces[0]["meta"]}}}
    plain = [{key: value for key, value in trace.items() if key != "meta"} for trace in traces]
    return Chart("By length", f"{traces[0]['meta']} at each length on {name}", plain, {**axes, **drawn}, name)


def _traces(entry: Entry, group: int, entries: Entries) -> Iterable[dict[str, Any]]:
    """Yield a curve for each file of metrics by length in a run folder."""
    for path in sorted(entry.folder.glob("lengths*.csv")):
        rows = _table(path)
        ends = f"/{entry.summary.get('metric')}"
        key = next((key for key in (rows[0] if rows else ()) if str(key).endswith(ends)), None)
        if key is None:
            continue
        try:
            points = np.array([(row["length"], row[key]) for row in rows], float)
        except (KeyError, ValueError, TypeError):  # a file that somebody changed
            continue
        x, y = points[thinned(len(points), MAX_POINTS)].T
        name = entries.labels[group] if len(entries.runs) == 1 else f"{entries.labels[group]}, {entry.name}"
        line = {
            "type": "scatter",
            "mode": "lines+markers" if len(x) < 30 else "lines",
            "name": name,
            "meta": key,
        }
        yield {**line, "x": compact(x), "y": compact(y), "line": style(group), "legendgroup": str(group)}


def _table(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _trained(entry: Entry) -> tuple[float, float] | None:
    """Return the shortest and the longest length of training, as the config says."""
    longest, shortest = entry.config.get("task.length"), entry.config.get("task.min_length")
    if not isinstance(longest, int):
        return None
    return (shortest if isinstance(shortest, int) else longest), longest
