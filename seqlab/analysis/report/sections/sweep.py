"""Sweep: the groups of runs, cell × task, comparisons, and a table of all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.panels import ranked
from seqlab.analysis.report.entries import Entries, Entry, panel_name
from seqlab.analysis.report.parts import Cell, Part, Section, Table, cell
from seqlab.analysis.sweep_runs import override_text
from seqlab.tracking.lines import number

COLUMNS = (
    *(
        "run",
        "status",
        "cell",
        "architecture",
        "task",
        "seed",
        "metric",
        "best",
        "test",
        "chance",
        "solved_at",
    ),
    *("solved", "steps", "steps_to_solved", "seconds", "num_params", "state_size", "slope_mean"),
)
"""The columns of the table of runs; the swept keys follow the seed."""

ALWAYS = ("run", "status", "cell", "task", "seed", "test")
"""The columns that are shown although all runs have one value."""

HEADS = {
    "metric": "deciding metric",
    "best": "best validation",
    "chance": "baseline",
    "solved_at": "solved at",
    "steps_to_solved": "steps to solved",
    "num_params": "parameters",
    "state_size": "state size",
    "slope_mean": "gradient slope",
}
"""The heads of columns whose names do not say enough."""


def groups(entries: Entries, comparisons: Sequence[Mapping[str, Any]]) -> Section | None:
    """Return cell × task, the groups with means and intervals, and comparisons; None for one run."""
    if entries.single:
        return None
    parts: list[Part] = []
    if len({str(group.key["cell"]) for group in entries.groups}) > 1 or len(entries.panels) > 1:
        parts.append(_matrix(entries.groups))
    cells = {(str(group.key["cell"]), panel_name(group)) for group in entries.groups}
    parts.append(_groups(entries, folded=bool(parts) and len(cells) == len(entries.groups)))
    if comparisons:
        rows = [[cell(f"{one['task']}, {one['architecture']}"), cell(one["verdict"])] for one in comparisons]
        parts.append(Table("Comparisons with the best group", ["task", "comparison"], rows, folded=True))
    return Section("groups", "Results", parts)


def _matrix(found: Sequence[Group]) -> Table:
    """Return the best group of each cell and task."""
    tasks = list(dict.fromkeys(map(panel_name, found)))
    cells = list(dict.fromkeys(str(group.key["cell"]) for group in found))
    rows = [
        [
            Cell(name),
            *(
                _best([g for g in found if panel_name(g) == task and str(g.key["cell"]) == name])
                for task in tasks
            ),
        ]
        for name in cells
    ]
    says = (
        "Mean test score of the best settings of each cell, and how many of their runs solved the task. "
        "The colour goes from the baseline (none) to the threshold (full)."
    )
    return Table("Cell × task", ["cell", *tasks], rows, says=says)


def _best(found: Sequence[Group]) -> Cell:
    best = next(iter(ranked(found)), None)
    if best is None:
        statuses: dict[str, int] = {}
        for group in found:
            for status, count in group.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
        return Cell(", ".join(f"{count} {status}" for status, count in statuses.items()))
    told = best.aggregate()
    text = f"{number(told['mean'], 3)} · {told['solved']}/{told['planned']} solved"
    return Cell(text, told["mean"], _progress(told))


def _progress(told: Mapping[str, Any]) -> float | None:
    """Return where a mean is between baseline and threshold, from 0 to 1; None where one is unknown."""
    low, high = told["chance"], told["solved_at"]
    if low is None or high is None or not np.isfinite([low, high]).all() or low == high:
        return None
    return float(np.clip((told["mean"] - low) / (high - low), 0, 1))


def _groups(entries: Entries, folded: bool) -> Table:
    rows: list[list[Cell]] = []
    for group in entries.groups:
        told = group.aggregate()
        ends = told["interval_95"]
        interval = " … ".join(number(end, 3) for end in ends) if ends else ""
        statuses = ", ".join(f"{count} {status}" for status, count in told["statuses"].items())
        rows.append(
            [
                *(cell(told[name]) for name in ("task", "architecture", "cell")),
                *(cell(override_text(group.key[key])) for key in entries.swept),
                Cell(statuses, told["n"]),
                *(cell(told[name]) for name in ("metric", "mean")),
                Cell(interval),
                *(cell(told[name]) for name in ("median", "chance")),
                Cell(f"{told['solved']}/{told['planned']}", told["solved"] / max(told["planned"], 1)),
                *(cell(told[name]) for name in ("steps_to_solved", "seconds")),
            ]
        )
    columns = [
        *(
            "task",
            "architecture",
            "cell",
            *entries.swept,
            "runs",
            "metric",
            "mean",
            "95 % interval",
            "median",
        ),
        *("baseline", "solved", "steps to solved", "seconds"),
    ]
    says = "Test scores at the best validation checkpoint, over the finished runs of each group."
    title = "Groups of runs that differ in their seed alone: means, intervals, times"
    return Table(title, columns, rows, sortable=True, folded=folded, says=says)


def runs(entries: Entries) -> Section | None:
    """Return a table of all runs that can be sorted and filtered; None for one run."""
    if entries.single:
        return None
    rows = [_row(entry, entries.swept) for entry in entries.runs]
    names = list(COLUMNS)
    place = names.index("seed") + 1
    names[place:place] = [key for key in entries.swept if key not in names]
    values = {name: {row[name].text for row in rows} for name in names}
    shown = [name for name in names if len(values[name]) > 1 or name in ALWAYS]
    same = [f"{HEADS.get(name, name)} {next(iter(values[name]))}" for name in names if name not in shown]
    table = Table(
        f"{len(rows)} runs",
        [HEADS.get(name, name) for name in shown],
        [[row[name] for name in shown] for row in rows],
        sortable=True,
        says=f"The same in all: {', '.join(text for text in same if not text.endswith(' '))}.",
    )
    return Section("runs", "Runs", [table])


def _row(entry: Entry, swept: Sequence[str]) -> dict[str, Cell]:
    try:
        row = entry.run.row(swept)
    except (KeyError, TypeError, AttributeError):  # a summary that lacks what a row needs
        row = {"status": entry.run.status, "reason": entry.summary.get("reason")}
    found = {name: cell(row.get(name)) for name in COLUMNS}
    found |= {key: cell(override_text(row[key])) for key in swept if key in row and key not in COLUMNS}
    return {**{key: Cell("") for key in swept}, **found, "run": Cell(entry.name)}
