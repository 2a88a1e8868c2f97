"""Samples that networks wrote at the end of their runs."""

from __future__ import annotations

from collections.abc import Mapping

from seqlab.analysis.report.entries import Entries, Entry
from seqlab.analysis.report.parts import Cell, Part, Section, Table, Text
from seqlab.tracking.lines import number

MOST = 12
"""The most samples."""


def samples(entries: Entries) -> Section | None:
    """Return what the networks wrote."""
    found = [entry for entry in entries.runs if isinstance(entry.summary.get("sample"), str)]
    parts: list[Part] = [
        Text(_title(entry, entries), entry.summary["sample"], folded=index > 2)
        for index, entry in enumerate(found[:MOST])
    ]
    return Section("samples", "Samples", parts) if parts else None


def _title(entry: Entry, entries: Entries) -> str:
    return (
        "Sample"
        if entries.single
        else f"Sample of {entry.name} ({entry.summary.get('cell')}, seed {entry.summary.get('seed')})"
    )


def baselines(entries: Entries) -> Section | None:
    """Return the scores of simple predictors beside that of each run."""
    rows: list[list[Cell]] = []
    for entry in entries.runs:
        told = entry.summary.get("baselines")
        if isinstance(told, Mapping) and told:
            test = entry.run.score("test")
            own = "" if test is None else number(test)
            others = ", ".join(f"{name} {number(value)}" for name, value in told.items())
            rows.append(
                [Cell(entry.name), Cell(str(entry.summary.get("metric"))), Cell(own, test), Cell(others)]
            )
    if not rows:
        return None
    table = Table(
        "Test score beside simple predictors",
        ["run", "metric", "run's score", "predictors"],
        rows,
        len(rows) > 1,
        len(rows) > 8,
    )
    return Section("baselines", "Baselines", [table])
