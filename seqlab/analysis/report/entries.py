"""Runs of a report: what their folders hold, finished or not, and the groups that differ in seed alone."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from omegaconf import OmegaConf

from seqlab.analysis.comparison import leaves
from seqlab.analysis.groups import Group
from seqlab.analysis.panels import PANEL, Kinds, named
from seqlab.analysis.sweep_runs import DAMAGED, IDENTITY, SweepRun, override_text, read_sweep, swept_keys
from seqlab.runs.folders import HYDRA
from seqlab.tracking import read_rows
from seqlab.tracking.run_folder import FACTS
from seqlab.types import ConfigError

MAX_GROUPS = 28
"""The most groups that are drawn of a task and architecture: as many as there are colours and dashes."""

LARGE = 100
"""The most runs that are each drawn."""

NOT_DECIDING = ("eval/loss", "eval/padding")
"""Metrics of an evaluation that decide only where there are no others."""

GOAL = ("metric", "higher_is_better", "chance", "solved_at", "validation")
"""The keys of a summary that are the same for all runs of a task and an architecture."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One run of a report.

    Attributes:
        run: how it ended, its summary and its evaluations.
        rows: the rows of `metrics.jsonl`; empty where they cannot be read.
        name: the folder, relative to that of all runs.
    """

    run: SweepRun
    rows: Sequence[Mapping[str, Any]]
    name: str

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.run.folder

    @property
    def summary(self) -> Mapping[str, Any]:
        """The content of `summary.json`, as far as it is known."""
        return self.run.summary

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The value of each config key; empty where the config cannot be read."""
        try:
            text = (self.folder / HYDRA / "config.yaml").read_text(encoding="utf-8")
            node = yaml.load(text, Loader=yaml.CSafeLoader)
            if "${" in text:  # OmegaConf takes 30 times as long
                node = OmegaConf.to_container(OmegaConf.create(node), resolve=True)
            return dict(leaves("", node))
        except Exception:  # a report is written of what can be read
            return {}

    @functools.cached_property
    def keys(self) -> dict[str, None]:
        """Every key of the rows, in the order logged."""
        return dict.fromkeys(key for row in self.rows for key in row)

    def series(self, key: str, place: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps and the values of a key, each `(N,)`.

        Args:
            key: the key of a row.
            place: the place in a list; None for a number.
        """
        pairs = [
            (row["step"], row[key] if place is None else row[key][place]) for row in self.rows if key in row
        ]
        steps, values = np.array(pairs, float).reshape(-1, 2).T
        return steps, values


class Panel(dict[int, list[Entry]]):
    """The runs of one task and architecture: those of each group, by the number of its label."""


@dataclasses.dataclass(frozen=True)
class Entries:
    """All runs of a report.

    Attributes:
        runs: the runs.
        groups: those that differ in their seed alone, with their runs' statistics.
        labels: what tells groups of one task and architecture apart; a group's number is its place here.
        swept: the keys, beside cell, architecture, task and seed, in which the runs differ.
    """

    runs: Sequence[Entry]
    groups: Sequence[Group]
    labels: Sequence[str]
    swept: Sequence[str]
    kinds: Kinds

    def number_of(self, group: Group) -> int:
        """Return the number of a group's label, which decides its colour."""
        return self.labels.index(self.kinds.label(group))

    @functools.cached_property
    def panels(self) -> dict[str, Panel]:
        """The runs of each task and architecture that logged something, by these two names."""
        found: dict[str, Panel] = {}
        by_folder = {entry.folder: entry for entry in self.runs}
        for group in self.groups:
            members = [by_folder[run.folder] for run in group.runs]
            if members := [entry for entry in members if entry.rows]:
                panel = found.setdefault(panel_name(group), Panel())
                panel[self.number_of(group)] = members
        return {name: _best_groups(panel) for name, panel in found.items()}

    @functools.cached_property
    def left_out(self) -> int:
        """How many groups with rows are not drawn, because there are too many."""
        drawn = {entry.folder for panel in self.panels.values() for runs in panel.values() for entry in runs}
        logged = {entry.folder for entry in self.runs if entry.rows}
        return sum(bool({run.folder for run in group.runs} & (logged - drawn)) for group in self.groups)

    @property
    def is_large(self) -> bool:
        """Whether there are so many runs that single ones are not drawn, and curves have fewer points."""
        return len(self.runs) > LARGE

    @property
    def single(self) -> Entry | None:
        """The only run; None where there are several."""
        return self.runs[0] if len(self.runs) == 1 else None


def _best_groups(panel: Panel) -> Panel:
    """Return the `MAX_GROUPS` groups of a panel whose best evaluations are the best, in their order."""
    if len(panel) <= MAX_GROUPS:
        return panel

    def rank(number: int) -> float:
        found = [
            (entry.run.score("best"), 1 if entry.run.higher_is_better else -1) for entry in panel[number]
        ]
        scores = [sign * score for score, sign in found if score is not None and np.isfinite(score)]
        return -float(np.median(scores)) if scores else np.inf

    best = sorted(panel, key=rank)[:MAX_GROUPS]
    return Panel({number: members for number, members in panel.items() if number in best})


def panel_name(group: Group) -> str:
    """Return the problem of a group: its task, its architecture, and its values of the task's swept keys.

    Scores on different problems have different baselines.
    """
    swept = [key for key in group.key if key.startswith(("task.", "task/"))]
    values = [f"{key.rpartition('.')[2]}={override_text(group.key[key])}" for key in swept]
    return ", ".join([*(str(group.key[key]) for key in PANEL), *values])


def read(paths: Sequence[Path]) -> Entries:
    """Read the runs below some folders, each once.

    Raises:
        ConfigError: a path is no folder, or no run is below it.
    """
    runs: dict[Path, SweepRun] = {}
    for path in paths:
        if not path.is_dir():
            raise ConfigError(f"PATH={path} is not a folder: legal are folders of runs and of sweeps")
        if not (found := read_sweep(path)):
            raise ConfigError(f"PATH={path} holds no run")
        runs |= {run.folder.resolve(): run for run in found}
    return entries_of(list(runs.values()))


def entries_of(runs: Sequence[SweepRun]) -> Entries:
    """Return runs with their rows and groups."""
    names = _names([run.folder.resolve() for run in runs])
    entries = _with_goals([Entry(run, _rows(run), names[run.folder.resolve()]) for run in runs])
    swept = swept_keys([entry.run for entry in entries])
    groups = _groups(entries, swept)
    together: dict[tuple[Any, ...], list[Group]] = {}
    for group in groups:
        together.setdefault(tuple(group.key[key] for key in PANEL), []).append(group)
    kinds = named(list(together.values()))
    return Entries(entries, groups, list(dict.fromkeys(map(kinds.label, groups))), swept, kinds)


def _groups(entries: Sequence[Entry], swept: Sequence[str]) -> list[Group]:
    """Return the groups of runs that differ in their seed alone, as `group_runs`, also of equal seeds."""
    groups: dict[str, Group] = {}
    for run in (entry.run for entry in entries if entry.run.status != DAMAGED):
        key = {name: run.identity[name] for name in IDENTITY if name != "seed"}
        key |= {name: run.overrides.get(name) for name in swept}
        groups.setdefault(repr(key), Group(key, [])).runs.append(run)
    return list(groups.values())


def _names(folders: Sequence[Path]) -> dict[Path, str]:
    """Return the path of each folder below the one that holds all of them."""
    parts = [folder.parts for folder in folders]
    if len(folders) == 1:
        return {folders[0]: folders[0].name}
    common = next(
        count for count in range(len(parts[0]), -1, -1) if len({part[:count] for part in parts}) == 1
    )
    return {folder: "/".join(folder.parts[common:]) or folder.name for folder in folders}


def _rows(run: SweepRun) -> Sequence[Mapping[str, Any]]:
    if run.status == DAMAGED:
        return ()
    try:
        return read_rows(run.folder)
    except (ConfigError, OSError):
        return ()


def _with_goals(entries: Sequence[Entry]) -> list[Entry]:
    """Give runs without a summary what other runs of their task know about its deciding metric."""
    known: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for entry in entries:
        if "metric" in entry.summary:
            known.setdefault(_kind(entry), entry.summary)
    return [
        entry if "metric" in entry.summary or entry.run.status == DAMAGED else _with_goal(entry, known)
        for entry in entries
    ]


def _kind(entry: Entry) -> tuple[Any, ...]:
    return tuple(entry.summary.get(key) for key in PANEL)


def _with_goal(entry: Entry, known: Mapping[tuple[Any, ...], Mapping[str, Any]]) -> Entry:
    told = {**_facts(entry.folder), **known.get(_kind(entry), {})}
    goal = {key: told[key] for key in GOAL if key in told} or _guessed(entry)
    if not goal:
        return entry
    steps, scores = entry.series(f"eval/{goal['metric']}")
    run = dataclasses.replace(entry.run, summary={**entry.summary, **goal}, steps=steps, scores=scores)
    return dataclasses.replace(entry, run=run)


def _facts(folder: Path) -> Mapping[str, Any]:
    """Return what a run wrote about itself at its start; empty where there is nothing."""
    try:
        told = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, Mapping) else {}


def _guessed(entry: Entry) -> dict[str, Any]:
    """Return the deciding metric of a run that nothing names: the first of its evaluations but the loss."""
    keys = [key for key in entry.keys if key.startswith("eval/")]
    chosen = next((key for key in keys if key not in NOT_DECIDING), next(iter(keys), None))
    if chosen is None:
        return {}
    rises = any(word in chosen for word in ("accuracy", "f1", "bleu", "chrf"))
    return {"metric": chosen.removeprefix("eval/"), "higher_is_better": rises}
