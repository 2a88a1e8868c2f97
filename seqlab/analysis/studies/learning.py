"""Study of learning curves, with a table row per kind of run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group, group_runs
from seqlab.analysis.panels import varying
from seqlab.analysis.studies.study import Study, markdown
from seqlab.analysis.sweep_figures import learning_curves
from seqlab.analysis.sweep_runs import override_text, read_sweep, swept_keys
from seqlab.tracking.lines import number


class Learning(Study):
    """Reports the test scores of each group of runs, and the steps until the task was solved."""

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        groups = read_groups(sweep)
        return learning_curves(groups), markdown([self.line(group, groups) for group in groups])

    def line(self, group: Group, groups: Sequence[Group]) -> dict[str, str]:
        """Return the table row of one group: what distinguishes it, and medians over its runs.

        The steps to solved are those of the first evaluation on the validation split that reaches the
        threshold, as a median over the runs that reach it.
        """
        aggregate = group.aggregate()
        metric = aggregate["metric"]
        steps = aggregate["steps_to_solved"]
        return {
            **distinguishing(group, groups),
            "runs": str(aggregate["n"]),
            f"baseline {metric}": number(aggregate["chance"]),
            f"test {metric}, median": number(aggregate["median"]),
            "lowest … highest": " … ".join(number(end) for end in (group.scores.min(), group.scores.max())),
            "solved at": number(aggregate["solved_at"]),
            "solved": f"{aggregate['solved']}/{aggregate['n']}",
            "steps to solved": "–" if steps is None else number(steps),
            **self.extra_columns(group),
        }

    def extra_columns(self, group: Group) -> Mapping[str, str]:
        """Return further columns; none by default."""
        return {}


def read_groups(sweep: Path) -> list[Group]:
    """Return the groups of a sweep's folder that have finished runs."""
    runs = read_sweep(sweep)
    groups = group_runs(runs, swept_keys(runs))
    return [group for group in groups if len(group.scores)]


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
    return {key.rpartition(".")[2].rpartition("/")[2]: override_text(group.key[key]) for key in keys}


def medians(values: Sequence[float]) -> str:
    """Return the median of numbers as text, with the lowest and the highest where there are several."""
    ends = f" ({number(min(values))} … {number(max(values))})" if len(values) > 1 else ""
    return number(float(np.median(values))) + ends
