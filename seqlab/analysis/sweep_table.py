"""Text summary of a sweep: a table with one row per group, and the runs that did not finish."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import rich.console
import rich.table

from seqlab.analysis.groups import Group
from seqlab.analysis.sweep_runs import AS_PLANNED, SweepRun, short_text
from seqlab.tracking.lines import number

TITLE_KEYS = ("architecture", "task", "metric", "chance", "solved_at")
"""The keys that the rows of one table share; they are in its title."""


SIZES = {"features": "features", "num_params": "parameters", "state_size": "state"}
"""The columns of the sizes of a network, which a table has where its rows differ in their width."""


def print_tables(screen: rich.console.Console, groups: Sequence[Group]) -> None:
    """Print a table for each architecture and task with a run that fits, one row per group."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        if set(group.statuses) != {"incompatible"}:
            title = f"{group.key['task']}, {group.key['architecture']}"
            tables.setdefault(title, []).append(group.aggregate())
    for title, lines in tables.items():
        if goal := next((line for line in lines if line["metric"]), None):
            title += f": test/{goal['metric']}"
        if goal and goal["chance"] is not None:
            title += f", baseline {number(goal['chance'])}, solved at {number(goal['solved_at'])}"
        screen.print(f"\n{title}", markup=False, highlight=False)
        screen.print(_table(lines), markup=False, highlight=False)


def unfinished_lines(runs: Sequence[SweepRun]) -> list[str]:
    """Return a line for each combination that does not fit and for each run that did not finish."""
    unfit: dict[tuple[Any, ...], list[SweepRun]] = collections.defaultdict(list)
    for run in runs:
        if run.status == "incompatible":
            unfit[*(run.summary.get(name) for name in ("architecture", "task", "reason"))].append(run)
    lines = []
    for (architecture, task, reason), members in unfit.items():
        cells = ", ".join(dict.fromkeys(str(run.summary.get("cell")) for run in members))
        lines.append(f"incompatible: {cells}; {architecture}; {task} ({len(members)} runs): {reason}")
    unfinished = [run for run in runs if run.status not in AS_PLANNED]
    return lines + [f"{run.status}: {run.folder}: {run.summary.get('reason')}" for run in unfinished]


def _table(aggregates: Sequence[dict[str, Any]]) -> rich.table.Table:
    differing = len({aggregate["features"] for aggregate in aggregates}) > 1
    lines = [_line(aggregate, SIZES if differing else {}) for aggregate in aggregates]
    table = rich.table.Table(box=None, pad_edge=False)
    for name in lines[0]:
        table.add_column(name, justify="right" if name in _NUMBERS else "left", overflow="fold")
    for line in lines:
        table.add_row(*line.values())
    return table


def _line(aggregate: dict[str, Any], sizes: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a row by column.

    Args:
        aggregate: the entry of a group in `sweep.json`.
        sizes: the columns of sizes by the keys of the entry.
    """
    rest = dict(aggregate)
    counts = {name: rest.pop(name) for name in SIZES}
    statuses, ends = rest.pop("statuses"), rest.pop("interval_95")
    n, planned, solved = (rest.pop(name) for name in ("n", "planned", "solved"))
    numbers = {name: rest.pop(name) for name in ("mean", "median", "steps_to_solved", "seconds")}
    mean, median, steps, seconds = ("" if one is None else number(one, _DIGITS) for one in numbers.values())
    others = [f"{count} {status}" for status, count in statuses.items() if status != "finished"]
    return {
        **{key.rpartition(".")[2]: short_text(value) for key, value in rest.items() if key not in TITLE_KEYS},
        **{sizes[name]: "" if counts[name] is None else f"{counts[name]:,}" for name in sizes},
        "runs": ", ".join([str(n) if n == planned else f"{n} of {planned}", *others]),
        "mean": mean,
        "95 % interval": " … ".join(number(end, _DIGITS) for end in ends) if ends else "",
        "median": median,
        "solved": f"{solved}/{planned}",
        "steps to solved": steps,
        "seconds": seconds,
    }


_NUMBERS = (*SIZES.values(), "mean", "95 % interval", "median", "solved", "steps to solved", "seconds")
_DIGITS = 3
