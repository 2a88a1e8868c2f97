"""What did each kind of run learn, and how soon? Learning curves, and a line for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group, grouped
from seqlab.analysis.panels import varying
from seqlab.analysis.studies.study import Study, markdown
from seqlab.analysis.sweep_figures import learning_curves
from seqlab.analysis.sweep_runs import read_sweep, spelt, swept_keys
from seqlab.tracking.wording import number


class Learning(Study):
    """Tells of the runs that differ in their seed alone what they reached on the test split, and when."""

    def tell(self, sweep: Path) -> tuple[Any, str]:
        groups = read_groups(sweep)
        return learning_curves(groups), markdown([self.line(group, groups) for group in groups])

    def line(self, group: Group, groups: Sequence[Group]) -> dict[str, str]:
        """Return the line of one group: what tells it from the others, and its median over the runs.

        The steps to solved are those of the first evaluation, on the validation split, that reaches the
        threshold; a median over the runs that do.
        """
        told = group.aggregate()
        metric = told["metric"]
        steps = told["steps_to_solved"]
        return {
            **named(group, groups),
            "runs": str(told["n"]),
            f"chance {metric}": number(told["chance"]),
            f"test {metric}, median": number(told["median"]),
            "least … greatest": " … ".join(number(end) for end in (group.scores.min(), group.scores.max())),
            "solved at": number(told["solved_at"]),
            "solved": f"{told['solved']}/{told['n']}",
            "steps to solved": "–" if steps is None else number(steps),
        } | self.beside(group)

    def beside(self, group: Group) -> Mapping[str, str]:
        """Return further columns; none, unless said otherwise."""
        return {}


def read_groups(sweep: Path) -> list[Group]:
    """Read the runs of a sweep's folder that finished, gathered by what they are apart from their seed."""
    told = read_sweep(sweep)
    groups = grouped(told, swept_keys(told))
    return [group for group in groups if len(group.scores)]


def named(group: Group, groups: Sequence[Group]) -> dict[str, str]:
    """Say what tells a group from the others, key by key; its cell in any case."""
    tasks = {group.key["task"] for group in groups}
    pairs = {(group.key["task"], group.key["architecture"]) for group in groups}
    keys = ["cell"]
    if len(tasks) > 1:
        keys.append("task")
    if len(pairs) > len(tasks):
        keys.append("architecture")
    keys += [key for key in varying(groups) if key not in keys]
    return {key.rpartition(".")[2].rpartition("/")[2]: spelt(group.key[key]) for key in keys}


def medians(values: Sequence[float]) -> str:
    """Write the median of numbers, and their ends where there are several."""
    ends = f" ({number(min(values))} … {number(max(values))})" if len(values) > 1 else ""
    return number(float(np.median(values))) + ends
