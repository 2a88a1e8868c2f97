"""Study of learning curves, with a table row per kind of run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.group_comparison import comparisons
from seqlab.analysis.groups import Group, group_runs
from seqlab.analysis.markdown import markdown
from seqlab.analysis.panels import varying
from seqlab.analysis.studies.study import Study
from seqlab.analysis.sweep_figures import learning_curves
from seqlab.analysis.sweep_runs import read_sweep, short_text, swept_keys
from seqlab.tracking.lines import number

Columns = Callable[[Group], Mapping[str, str]]
"""Further columns of a group's table row."""


class Learning(Study):
    """Reports the test scores of each group of runs, and the steps until the task was solved."""

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        return learning_summary(sweep)


def learning_summary(sweep: Path, columns: Columns | None = None) -> tuple[Any, str]:
    """Return the learning curves of a sweep, and a Markdown table with a row per group.

    Below the table stand the `verdicts`. The steps to solved are those of the first evaluation on the
    validation split that reaches the threshold, as a median over the runs that reach it.

    Args:
        sweep: the sweep's folder.
        columns: returns further columns of a row; None for none.
    """
    groups = read_groups(sweep)
    rows = [
        {**distinguishing(group, groups), **_scores(group), **(columns(group) if columns else {})}
        for group in groups
    ]
    return learning_curves(groups), markdown(rows) + verdicts(groups)


def verdicts(groups: Sequence[Group]) -> str:
    """Return how the best group on each problem compares with each of the others, as a Markdown list.

    Where no comparison could be significant with so few seeds, the list is one sentence that says so.
    """
    found = comparisons(groups)
    if found and all(max(entry["seeds"]) < entry["seeds_needed"] for entry in found):
        needed = max(entry["seeds_needed"] for entry in found)
        few = "Groups with so few seeds can never differ significantly"
        return f"\n\n{few}; with {needed} seeds each they can."
    lines = [f"\n- {entry['verdict']}." for entry in found]
    return "".join(["\n", *lines]) if lines else ""


def _scores(group: Group) -> dict[str, str]:
    """Return the columns of a group's scores, medians over its finished runs."""
    aggregate, scores = group.aggregate(), group.scores
    metric, n, planned = (aggregate[key] for key in ("metric", "n", "planned"))
    text = {key: "–" if aggregate[key] is None else number(aggregate[key]) for key in _NUMBERS}
    return {
        "runs": str(n) if n == planned else f"{n} of {planned}",
        f"baseline {metric}": text["chance"],
        f"test {metric}, median": text["median"],
        "lowest … highest": f"{number(scores.min())} … {number(scores.max())}" if len(scores) else "–",
        "solved at": text["solved_at"],
        "solved": f"{aggregate['solved']}/{planned}",
        "steps to solved": text["steps_to_solved"],
    }


_NUMBERS = ("chance", "median", "solved_at", "steps_to_solved")


def read_groups(sweep: Path) -> list[Group]:
    """Return the groups of a sweep's folder whose combinations fit."""
    runs = read_sweep(sweep)
    return [group for group in group_runs(runs, swept_keys(runs)) if group.planned]


def distinguishing(group: Group, groups: Sequence[Group]) -> dict[str, str]:
    """Return the keys and values that distinguish a group from the others, and its cell in any case."""
    tasks = {group.key["task"] for group in groups}
    pairs = {(group.key["task"], group.key["architecture"]) for group in groups}
    keys = ["cell"]
    if len(tasks) > 1:
        keys.append("task")
    if len(pairs) > len(tasks):
        keys.append("architecture")
    keys += [key for key in varying(groups) if key not in keys]
    return {key.rpartition(".")[2].rpartition("/")[2]: short_text(group.key[key]) for key in keys}


def medians(values: Sequence[float]) -> str:
    """Return the median of numbers as text, with the lowest and the highest where there are several."""
    ends = f" ({number(min(values))} … {number(max(values))})" if len(values) > 1 else ""
    return number(float(np.median(values))) + ends
