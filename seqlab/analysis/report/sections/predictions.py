"""Predictions: confusions, calibration, examples with their answers, and maps of attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.report.curves import COLOURS, GREY, style
from seqlab.analysis.report.entries import Entries, Entry, panel_name
from seqlab.analysis.report.parts import Cell, Chart, Part, Section, Table, cell, compact
from seqlab.runs.files import EXAMPLES
from seqlab.tracking.encoding import from_json

MOST_RUNS = 6
"""The most runs whose predictions are shown: the best of their groups."""

MOST_MAPS = 4
"""The most maps of attention, and the most curves, of a run."""

MOST_WRITTEN = 12
"""The most classes whose counts are written into a confusion."""


def predictions(entries: Entries) -> Section | None:
    """Return what `examples.json` of the best run of each group holds."""
    parts: list[Part] = []
    for entry, number, panel in _best(entries)[:MOST_RUNS]:
        stored = _read(entry)
        whose = "" if entries.single else f": {entries.labels[number]}, {entry.name}"
        for make in (_confusion, _reliability, _regression, _attention, _curves, _table):
            parts += _made(make, stored, whose, number, panel)
    says = "Answers to examples of the test split, by the parameters that were best on validation."
    if not entries.single:
        says += " Of each group the run with the best test score is shown."
    return Section("predictions", "Predictions", parts, says) if parts else None


def _best(entries: Entries) -> list[tuple[Entry, int, str]]:
    """Return the best run of each group that has examples, the number of the group, and its panel."""
    by_folder = {entry.folder: entry for entry in entries.runs}
    found: list[tuple[Entry, int, str]] = []
    for group in entries.groups:
        members = [by_folder[run.folder] for run in group.runs if (run.folder / EXAMPLES).is_file()]
        if members:
            sign = 1 if members[0].run.higher_is_better else -1
            best = max(members, key=lambda entry: _rank(entry, sign))
            found.append((best, entries.number_of(group), panel_name(group)))
    return found


def _rank(entry: Entry, sign: int) -> float:
    score = entry.run.score("test")
    return -np.inf if score is None or not np.isfinite(score) else sign * score


def _read(entry: Entry) -> Mapping[str, Any]:
    try:
        stored = from_json((entry.folder / EXAMPLES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, Mapping) else {}


def _made(make: Any, stored: Mapping[str, Any], whose: str, number: int, panel: str) -> list[Part]:
    """Return the parts that a function makes; none where the file holds something else."""
    try:
        return list(make(stored, whose, number, panel))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return []


def _confusion(stored: Mapping[str, Any], whose: str, number: int, panel: str) -> Iterable[Part]:
    if "confusion" not in stored:
        return
    confusion = stored["confusion"]
    names, counts = list(map(str, confusion["names"])), np.array(confusion["counts"], float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heat: dict[str, Any] = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": [compact(np.round(line, 3)) for line in shares],
        "text": [[str(int(count)) for count in line] for line in counts],
        "zmin": 0,
        "zmax": 1,
        "colorscale": "Cividis",
        "colorbar": {"title": {"text": "share"}, "thickness": 10},
        "hovertemplate": "true %{y}, predicted %{x}: %{text}, %{z} of the true class<extra></extra>",
    }
    if len(names) <= MOST_WRITTEN:
        heat["texttemplate"] = "%{text}"
    axes = {
        "xaxis": {"title": {"text": "predicted class"}, "type": "category"},
        "yaxis": {"title": {"text": "true class"}, "type": "category", "autorange": "reversed"},
    }
    says = (
        "How often each true class (rows) is predicted as each class (columns), as shares of the true class"
    )
    yield Chart(f"Confusion{whose}", says, [heat], axes, panel, number)


def _reliability(stored: Mapping[str, Any], whose: str, number: int, panel: str) -> Iterable[Part]:
    if "reliability" not in stored:
        return
    bins = stored["reliability"]
    line = {"type": "scatter", "mode": "lines", "name": "calibrated", "x": [0, 1], "y": [0, 1]}
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "accuracy",
        "x": compact(bins["confidence"]),
        "y": compact(bins["accuracy"]),
        "customdata": list(map(int, bins["count"])),
        "hovertemplate": "confidence %{x}, accuracy %{y}, %{customdata} predictions<extra></extra>",
        "line": style(number),
    }
    axes = {
        "xaxis": {"title": {"text": "confidence"}, "range": [0, 1.02]},
        "yaxis": {"title": {"text": "accuracy"}, "range": [0, 1.02]},
    }
    error = float(stored["calibration_error"])
    title = f"Reliability{whose}: expected calibration error {error:.3f}"
    says = "Accuracy over the probability of the predicted class; a calibrated network is on the diagonal"
    calibrated = {**line, "line": {"color": GREY, "dash": "dot"}}
    yield Chart(title, says, [calibrated, points], axes, panel, number)


def _regression(stored: Mapping[str, Any], whose: str, number: int, panel: str) -> Iterable[Part]:
    if "regression" not in stored:
        return
    targets, answers = (np.array(stored["regression"][key], float) for key in ("targets", "answers"))
    both = np.concatenate([targets, answers])
    ends = [both[np.isfinite(both)].min(), both[np.isfinite(both)].max()]
    points = {
        "type": "scatter",
        "mode": "markers",
        "name": "examples",
        "x": compact(answers),
        "y": compact(targets),
        "hovertemplate": "prediction %{x}, target %{y}<extra></extra>",
        "marker": {"color": style(number)["color"], "size": 5, "opacity": 0.6},
    }
    equal = {"type": "scatter", "mode": "lines", "name": "equal", "x": compact(ends), "y": compact(ends)}
    axes = {"xaxis": {"title": {"text": "prediction"}}, "yaxis": {"title": {"text": "target"}}}
    says = f"Targets of {len(targets)} test examples over their predictions; a right one is on the line"
    title = f"Target over prediction{whose}"
    yield Chart(title, says, [equal | {"line": {"color": GREY, "dash": "dot"}}, points], axes, panel, number)


def _examples(stored: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return stored.get("examples", ())


def _table(stored: Mapping[str, Any], whose: str, number: int, panel: str) -> Iterable[Part]:
    shown = _examples(stored)
    columns = ["input", "target", "answer"]
    rows = [[Cell(str(one[name])) for name in columns] for one in shown]
    if stored.get("exact"):
        columns = [*columns, "right"]
        rows = [[*row, cell(one["target"] == one["answer"])] for row, one in zip(rows, shown, strict=True)]
    if rows:
        yield Table(f"Examples of the {stored.get('split')} split{whose}", columns, rows)


def _curves(stored: Mapping[str, Any], whose: str, number: int, panel: str) -> Iterable[Part]:
    shown = [one for one in _examples(stored) if len(one.get("targets", ())) > 1][:MOST_MAPS]
    for place, one in enumerate(shown, 1):
        data: list[dict[str, Any]] = []
        for colour, (key, name) in enumerate((("targets", "target"), ("answers", "answer"))):
            values = compact(one[key])
            points = {"x": list(range(1, len(values) + 1)), "y": values, "line": {"color": COLOURS[colour]}}
            data.append({"type": "scatter", "mode": "lines", "name": name, **points})
        layout = {"xaxis": {"title": {"text": "t"}}, "showlegend": True}
        title = f"Example {place}{whose}"
        yield Chart(title, "Target and answer over the steps of an example", data, layout, panel, number)


def _attention(stored: Mapping[str, Any], whose: str, number: int, panel: str) -> Iterable[Part]:
    shown = [one for one in _examples(stored) if one.get("attention")][:MOST_MAPS]
    for place, one in enumerate(shown, 1):
        weights = np.array(one["attention"], float)
        reads = _numbered(one.get("read"), weights.shape[1])
        writes = _numbered(one.get("written"), weights.shape[0])
        heat: dict[str, Any] = {
            "type": "heatmap",
            "z": [compact(line) for line in weights],
            "zmin": 0,
            "zmax": 1,
            "colorscale": "Cividis",
            "colorbar": {"title": {"text": "weight"}, "thickness": 10},
            "hovertemplate": "output %{y} attends to input %{x}: %{z}<extra></extra>",
            "x": list(range(weights.shape[1])),
            "y": list(range(weights.shape[0])),
        }
        layout = {
            "xaxis": {"title": {"text": "input"}, "tickvals": heat["x"], "ticktext": reads},
            "yaxis": {
                "title": {"text": "output"},
                "tickvals": heat["y"],
                "ticktext": writes,
                "autorange": "reversed",
            },
        }
        says = "Weights of attention: each row is an output and each column an input"
        yield Chart(f"Attention, example {place}{whose}", says, [heat], layout, panel, number)


def _numbered(names: Any, count: int) -> list[str]:
    """Return the names of an axis; where there are none, the places from 1."""
    found = list(map(str, names)) if isinstance(names, list) else []
    return found if len(found) == count else [str(place) for place in range(1, count + 1)]
