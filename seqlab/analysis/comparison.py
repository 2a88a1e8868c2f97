"""Comparison of two runs, or of two folders of runs: differences of config, and scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from seqlab.analysis.groups import group_runs
from seqlab.analysis.intervals import difference_95, interval_95
from seqlab.analysis.sweep_list import label
from seqlab.analysis.sweep_runs import SweepRun, read_sweep, swept_keys
from seqlab.runs.folder import read_request
from seqlab.types import ConfigError

ABSENT = "(absent)"
"""The value of a key that a config lacks."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """The test scores of some runs.

    Attributes:
        n: the number of finished runs.
        mean: their mean; None where there are none.
        interval_95: the 95 % interval of the mean; None for fewer than two runs.
    """

    n: int
    mean: float | None
    interval_95: list[float] | None

    @classmethod
    def of(cls, scores: np.ndarray) -> Scores:
        """Summarise scores `(n,)`."""
        return cls(len(scores), float(scores.mean()) if len(scores) else None, interval_95(scores))


@dataclasses.dataclass(frozen=True)
class GroupPair:
    """A group of runs, which differ in their seed alone, in two sweeps.

    Attributes:
        group: its cell, architecture, task, and its value of each swept key.
        scores: those of the one and of the other sweep, on the test split.
        difference_95: as in `Comparison`.
    """

    group: str
    scores: tuple[Scores, Scores]
    difference_95: list[float] | None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two runs, or two folders of runs, next to each other.

    Attributes:
        config: the values of each key in which the configs differ, of the one and of the other. Of several
            runs, the values that occur.
        metric: the deciding metric; None where it is not the same.
        scores: those of the one and of the other, on the test split.
        difference_95: the 95 % interval of the mean of the other minus that of the one; None where one of
            them has fewer than two finished runs.
        groups: the groups of runs that both have, where one of them has several groups.
    """

    config: Mapping[str, tuple[Any, Any]]
    metric: str | None
    scores: tuple[Scores, Scores]
    difference_95: list[float] | None
    groups: tuple[GroupPair, ...] = ()


def compare(one: str | Path, other: str | Path) -> Comparison:
    """Compare two run folders, or two folders with runs below them.

    Raises:
        ConfigError: a folder holds no run.
    """
    sides = [_runs(folder) for folder in (one, other)]
    configs = [_values(runs) for runs in sides]
    keys = sorted(configs[0].keys() | configs[1].keys())
    pairs = {key: (configs[0].get(key, ABSENT), configs[1].get(key, ABSENT)) for key in keys}
    metrics = {run.summary.get("metric") for runs in sides for run in runs if run.is_finished}
    metric = metrics.pop() if len(metrics) == 1 else None
    scores = [_scores(runs) for runs in sides]
    return Comparison(
        config={key: pair for key, pair in pairs.items() if pair[0] != pair[1]},
        metric=metric,
        scores=(Scores.of(scores[0]), Scores.of(scores[1])),
        difference_95=None if metric is None else difference_95(*scores),
        groups=_pairs(*sides),
    )


def _pairs(one: Sequence[SweepRun], other: Sequence[SweepRun]) -> tuple[GroupPair, ...]:
    """Return the groups that two sweeps have in common; none where each is a single group."""
    swept = list(dict.fromkeys([*swept_keys(one), *swept_keys(other)]))
    sides = [{label(group): group.scores for group in group_runs(runs, swept)} for runs in (one, other)]
    if max(map(len, sides)) < 2:
        return ()
    both = [(name, sides[0][name], sides[1][name]) for name in sides[0] if name in sides[1]]
    return tuple(
        GroupPair(name, (Scores.of(first), Scores.of(second)), difference_95(first, second))
        for name, first, second in both
    )


def _runs(folder: str | Path) -> list[SweepRun]:
    if not (runs := read_sweep(folder)):
        raise ConfigError(f"{folder} holds no run")
    return runs


def _scores(runs: Sequence[SweepRun]) -> np.ndarray:
    found = [run.score("test") for run in runs if run.is_finished]
    return np.array([score for score in found if score is not None], float)


def _values(runs: Sequence[SweepRun]) -> dict[str, Any]:
    """Return the value of each config key; of runs that differ in it, all values in their order."""
    configs = [OmegaConf.to_container(read_request(run.folder).config, resolve=True) for run in runs]
    flat = [dict(leaves("", config)) for config in configs]
    values: dict[str, Any] = {}
    for key in dict.fromkeys(key for config in flat for key in config):
        found = list(dict.fromkeys(repr(config.get(key, ABSENT)) for config in flat))
        values[key] = flat[0].get(key, ABSENT) if len(found) == 1 else ", ".join(found)
    return values


def leaves(path: str, node: Any) -> list[tuple[str, Any]]:
    """Return the keys below a node of a config, each joined by dots to a path, and their values."""
    if not isinstance(node, Mapping):
        return [(path, node)]
    return [leaf for key, value in node.items() for leaf in leaves(f"{path}.{key}" if path else key, value)]
