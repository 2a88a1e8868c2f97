"""Headline of a report: what the runs learnt, against which baseline, and how sure that is, in a sentence."""

from __future__ import annotations

import collections
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.group_comparison import ALPHA, comparisons
from seqlab.analysis.groups import Group
from seqlab.analysis.report.entries import Entries, panel_name
from seqlab.tracking.lines import number

MOST_TASKS = 3
"""The most tasks that the headline names."""


def compared(entries: Entries, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the comparisons of groups: those of `sweep.json` where it is of these runs, or else new ones."""
    if entries.single:
        return []
    statuses = dict(collections.Counter(entry.run.status for entry in entries.runs))
    if len(paths) == 1:
        try:
            told = json.loads((paths[0] / "sweep.json").read_text(encoding="utf-8"))
            if told["statuses"] == statuses:
                return list(told["comparisons"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
    return comparisons(entries.groups)


def headline(entries: Entries, pairs: Sequence[Mapping[str, Any]]) -> str:
    """Return the verdict on all runs."""
    if entries.single:
        return of_run(entries.single.summary)
    panels: dict[str, list[Group]] = {}
    for group in entries.groups:
        panels.setdefault(panel_name(group), []).append(group)
    best = {name: found for name, members in panels.items() if (found := _best(members))}
    progress = _progress(entries)
    if not best:
        return f"{progress or 'No run has a test score yet'}."
    if len(best) <= MOST_TASKS:
        clauses = [_clause(name, group, entries, pairs) for name, group in best.items()]
    else:
        wins = collections.Counter(entries.kinds.label(group) for group in best.values())
        solved = sum(bool(group.aggregate()["solved"]) for group in best.values())
        first = ", ".join(f"{name} in {count}" for name, count in wins.most_common(4))
        clauses = [f"of {len(best)} tasks, the best mean has {first}; {solved} were solved by a run"]
    text = "; ".join(clauses)
    return f"{progress}: {text}." if progress else f"{text[0].upper()}{text[1:]}."


def _best(members: Sequence[Group]) -> Group | None:
    scored = [group for group in members if len(group.scores) and np.isfinite(group.scores).all()]
    if not scored:
        return None
    sign = 1 if scored[0].finished[0].higher_is_better else -1
    return max(scored, key=lambda group: sign * float(group.scores.mean()))


def _progress(entries: Entries) -> str:
    """Return how many runs finished, where some have not ended."""
    counts = collections.Counter(entry.run.status for entry in entries.runs)
    waiting = counts["unfinished"] + counts["interrupted"]
    if not waiting:
        return ""
    return f"{counts['finished']} of {len(entries.runs)} runs have finished, and {waiting} have not ended"


def _clause(name: str, best: Group, entries: Entries, pairs: Sequence[Mapping[str, Any]]) -> str:
    """Return what the best group of a task reached, and whether the next one differs from it."""
    told, label = best.aggregate(), entries.kinds.label(best)
    baseline = "" if told["chance"] is None else f", baseline {number(told['chance'], 3)}"
    solved = f"{told['solved']} of {told['planned']} runs solved it"
    text = f"on {name.split(',')[0]} {label} is best: mean test {told['metric']} {number(told['mean'], 3)}{baseline}, {solved}"
    mine = [pair for pair in pairs if f"{pair['task']}, {pair['architecture']}" == name and pair["better"] == label]
    if not mine:
        return text
    closest = mine[0]
    if closest["p_corrected"] < ALPHA:
        return f"{text}; it beats {closest['worse']} (p = {closest['p_corrected']:.2g})"
    return f"{text}; it does not differ significantly from {closest['worse']} (p = {closest['p_corrected']:.2g})"


def of_run(summary: Mapping[str, Any]) -> str:
    """Return the verdict on one run."""
    status, metric = summary.get("status"), summary.get("metric")
    test = (summary.get("test") or {}).get(f"test/{metric}")
    if test is None:
        reason = f": {summary['reason']}" if summary.get("reason") else ""
        return f"{str(status).capitalize()}{reason}."
    chance, solved = summary.get("chance"), summary.get("solved")
    against = "" if chance is None else f", baseline {number(chance)}"
    end = "solved" if solved else "not solved"
    return f"{str(status).capitalize()}: test {metric} {number(test)}{against}; {end}."
