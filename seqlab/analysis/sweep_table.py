"""What does someone at the terminal see of a sweep? A line a group, then what did not fit or fell short."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import rich.console
import rich.table

from seqlab.analysis.groups import Group
from seqlab.analysis.sweep_runs import Told, spelt
from seqlab.tracking.wording import number

NAMES = ("architecture", "task", "metric", "chance", "solved_at")
"""What the lines of one table share, and its title says."""


def print_tables(screen: rich.console.Console, groups: Sequence[Group]) -> None:
    """Print a table for each architecture and task in which something ran, a line a group."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        if set(group.statuses) != {"incompatible"}:
            title = f"{group.key['task']}, {group.key['architecture']}"
            tables.setdefault(title, []).append(group.aggregate())
    for title, lines in tables.items():
        judged = next((line for line in lines if line["metric"]), None)
        if judged:
            title += f": test/{judged['metric']}, chance {number(judged['chance'])}"
            title += f", solved at {number(judged['solved_at'])}"
        screen.print(f"\n{title}", markup=False, highlight=False)
        screen.print(_table(lines), markup=False, highlight=False)


def shortfalls(told: Sequence[Told]) -> list[str]:
    """Say which combinations do not fit, and which runs fell short, each with its reason."""
    unfit: dict[tuple, list[Told]] = collections.defaultdict(list)
    for run in told:
        if run.status == "incompatible":
            unfit[*(run.summary.get(name) for name in ("architecture", "task", "reason"))].append(run)
    lines = []
    for (architecture, task, reason), runs in unfit.items():
        cells = ", ".join(dict.fromkeys(str(run.summary.get("cell")) for run in runs))
        lines.append(f"incompatible: {cells}; {architecture}; {task} ({len(runs)} of the runs): {reason}")
    short = [run for run in told if run.status not in ("finished", "incompatible")]
    return lines + [f"{run.status}: {run.folder}: {run.summary.get('reason')}" for run in short]


def _table(aggregates: Sequence[dict[str, Any]]) -> rich.table.Table:
    lines = [_line(aggregate) for aggregate in aggregates]
    table = rich.table.Table(box=None, pad_edge=False)
    for name in lines[0]:
        table.add_column(name, justify="right" if name in _NUMBERS else "left", overflow="fold")
    for line in lines:
        table.add_row(*line.values())
    return table


def _line(aggregate: dict[str, Any]) -> dict[str, str]:
    told = dict(aggregate)
    ended, ends = told.pop("statuses"), told.pop("interval_95")
    n, solved = told.pop("n"), told.pop("solved")
    numbers = {name: told.pop(name) for name in ("mean", "median", "steps_to_solved", "seconds")}
    mean, median, steps, seconds = ("" if one is None else number(one, _DIGITS) for one in numbers.values())
    others = [f"{count} {status}" for status, count in ended.items() if status != "finished"]
    return {
        **{key.rpartition(".")[2]: spelt(value) for key, value in told.items() if key not in NAMES},
        "runs": ", ".join([str(n), *others]),
        "mean": mean,
        "95 % interval": " … ".join(number(end, _DIGITS) for end in ends) if ends else "",
        "median": median,
        "solved": f"{solved}/{n}",
        "steps to it": steps,
        "seconds": seconds,
    }


_NUMBERS = ("mean", "95 % interval", "median", "solved", "steps to it", "seconds")
_DIGITS = 3
