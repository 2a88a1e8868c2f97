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
from seqlab.analysis.panels import ranked
from seqlab.analysis.report.entries import Entries, Entry, panel_name
from seqlab.runs.verdict import verdict
from seqlab.tracking.lines import number
from seqlab.tracking.lock import owner_of
from seqlab.tracking.run_folder import UNFINISHED

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


def headline(entries: Entries) -> str:
    """Return the verdict on all runs in a sentence."""
    if entries.single:
        return of_run(entries.single)
    best, progress = _best_groups(entries), _progress(entries)
    if not best:
        return f"{progress or 'No run has a test score'}."
    if len(best) <= MOST_TASKS:
        text = "; ".join(_short(name, group, entries) for name, group in best.items())
    else:
        wins = collections.Counter(entries.kinds.label(group) for group in best.values())
        solved = sum(bool(group.aggregate()["solved"]) for group in best.values())
        first = ", ".join(f"{name} on {count}" for name, count in wins.most_common(4))
        text = f"of {len(best)} tasks, runs solved {solved}; the best mean has {first}"
    return f"{progress}: {text}." if progress else f"{text[0].upper()}{text[1:]}."


def details(entries: Entries, pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each task: what its best group reached, and how sure it is the best."""
    if entries.single:
        return []
    found = [_clause(name, group, entries, pairs) for name, group in _best_groups(entries).items()]
    return [f"{text[0].upper()}{text[1:]}." for text in found]


def _short(name: str, best: Group, entries: Entries) -> str:
    """Return what the best group of a task reached, in a few words."""
    told, label, task = best.aggregate(), entries.kinds.label(best), task_of(name)
    score = f"{told['metric']} {number(told['mean'], 3)}"
    if told["solved"]:
        return f"best on {task}: {label}, {told['solved']} of {told['planned']} runs solved it, {score}"
    if not _beats_baseline(best, told):
        return f"nothing beats the baseline on {task} (best: {label}, {score})"
    return f"best on {task}: {label} with {score}, though none of its runs solved the task"


def task_of(panel: str) -> str:
    """Return the name of a panel without its architecture."""
    task, _, *values = panel.split(", ")
    return " ".join([task, *values])


def _beats_baseline(best: Group, told: Mapping[str, Any]) -> bool:
    sign = 1 if best.finished[0].higher_is_better else -1
    return told["chance"] is None or sign * told["mean"] > sign * told["chance"]


def _best_groups(entries: Entries) -> dict[str, Group]:
    """Return the group with the best mean test score of each task and architecture."""
    panels: dict[str, list[Group]] = {}
    for group in entries.groups:
        panels.setdefault(panel_name(group), []).append(group)
    return {name: found[0] for name, members in panels.items() if (found := ranked(members))}


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
    others = sum(panel_name(group) == name for group in entries.groups) > 1
    verb = "is best" if others else "ends"
    text = f"on {task_of(name)}, {label} {verb} with a mean test {told['metric']} of "
    text += number(told["mean"], 3)
    if told["chance"] is not None:
        worse = "" if _beats_baseline(best, told) else "no better than the "
        text += f" ({worse}baseline {number(told['chance'], 3)})"
    text += f", and {told['solved']} of its {told['planned']} runs solved it"
    of_task = [pair for pair in pairs if name.startswith(f"{pair['task']}, {pair['architecture']}")]
    mine = [pair for pair in of_task if pair["better"] == label]
    if not mine:
        return text
    closest, p = mine[0], f"p = {mine[0]['p_corrected']:.2g}"
    if closest["p_corrected"] < ALPHA:
        return f"{text}; it beats {closest['worse']} ({p})"
    return f"{text}; it does not differ significantly from {closest['worse']} ({p})"


def of_run(entry: Entry) -> str:
    """Return the verdict on one run, also on one that has not ended."""
    if entry.run.status == UNFINISHED:
        return _so_far(entry)
    try:
        return verdict(entry.summary)
    except (KeyError, TypeError, ValueError):  # a summary that lacks what it names
        return f"{entry.run.status.capitalize()}: {entry.summary.get('reason')}"


def _so_far(entry: Entry) -> str:
    """Return how far a run without a summary is, and its best evaluation."""
    step, steps = int(entry.summary.get("steps") or 0), entry.config.get("training.steps")
    begun = "Training" if owner_of(entry.folder) else "Not ended, and no process writes to its folder"
    text = f"{begun}: step {step:,}" + (f" of {steps:,}" if isinstance(steps, int) else "")
    finite = entry.run.scores[np.isfinite(entry.run.scores)]
    if not len(finite):
        return f"{text}, no evaluation yet."
    best = finite.max() if entry.run.higher_is_better else finite.min()
    chance = entry.run.validation.get("chance")
    against = "" if chance is None else f", where the baseline has {number(chance)}"
    return f"{text}; best validation {entry.summary['metric']} so far {number(float(best))}{against}."
