"""Lines about runs of a sweep that have ended, one for each group of runs that differ in their seed alone."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from seqlab.tracking.lines import number
from seqlab.tracking.tracker import RunInfo

Ended = tuple[RunInfo, Mapping[str, Any]]
"""What a run was, and its summary."""


def group_of(info: RunInfo) -> str:
    """Return what a run shares with the others of its group."""
    axes = [axis for axis in info.axes if not axis.startswith("seed=")]
    return " ".join(axes) or f"{info.cell} {info.architecture} {info.task}"


def run_of(info: RunInfo) -> str:
    """Return what tells a run from the others of its sweep."""
    return " ".join(info.axes) or f"{group_of(info)} seed={info.seed}"


def group_lines(ended: Iterable[Ended], name_of: Callable[[RunInfo], str] = group_of) -> list[str]:
    """Return a line for each group, and one for each reason why a run did not finish.

    The line has the median of the test scores, their range, and how many runs solved the task.

    Args:
        ended: the runs.
        name_of: returns the name of a run's group.
    """
    groups: dict[str, list[Ended]] = {}
    for info, summary in ended:
        groups.setdefault(name_of(info), []).append((info, summary))
    return [line for name, members in groups.items() for line in _lines(name, members)]


def _lines(name: str, members: list[Ended]) -> list[str]:
    summaries = [summary for _, summary in members]
    statuses = collections.Counter(str(summary["status"]) for summary in summaries)
    parts = [", ".join(f"{count} {status}" for status, count in statuses.items())]
    key = f"test/{members[0][0].goal.metric}"
    scores = [found for summary in summaries if (found := summary.get("test", {}).get(key)) is not None]
    if scores:
        spread = f" ({number(min(scores), 3)} to {number(max(scores), 3)})" if len(scores) > 1 else ""
        parts.append(f"{key} {number(statistics.median(scores))}{spread}")
        if (baseline := summaries[0].get("chance")) is not None:
            parts.append(f"baseline {number(baseline)}")
        parts.append(f"solved {sum(bool(summary.get('solved')) for summary in summaries)} of {len(members)}")
    reasons: dict[str, list[int]] = {}
    for info, summary in members:
        if summary["status"] != "finished":
            reasons.setdefault(f"{summary['status']}: {summary.get('reason')}", []).append(info.seed)
    seeds = {reason: ", ".join(map(str, found)) for reason, found in reasons.items()}
    return [f"{name}: {', '.join(parts)}", *(f"  seed {seeds[reason]} {reason}" for reason in seeds)]
