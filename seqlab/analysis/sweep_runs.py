"""Which runs does a sweep's folder hold, and what did each of them tell?"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from seqlab.tracking import find_runs, read_rows, read_summary
from seqlab.tracking.gradient_flow import SLOPE

_log = logging.getLogger(__name__)

IDENTITY = ("cell", "architecture", "task", "seed")
"""What every run has, swept or not."""

HISTORY = ("resume", "sweep.resume")
"""Keys that say how a run was brought to its end, not what it is."""

UNFINISHED = "unfinished"
"""The status of a run that left no summary, besides those of `seqlab.tracking.STATUSES`."""


@dataclasses.dataclass(frozen=True)
class Told:
    """What one run of a sweep told, whatever became of it.

    Attributes:
        folder: its folder.
        status: how it ended, one of `seqlab.tracking.STATUSES`, or `UNFINISHED`.
        overrides: the value of every key that its command line or its sweep had set.
        summary: its `summary.json`; where there is none, what it was and how far it came.
        steps: the optimiser steps of its evaluations on the validation split, `(N,)`.
        scores: the deciding metric there, `(N,)`.
        slopes: the decades that the gradient gained with each step back through time, a number a row that
            tells of it.
    """

    folder: Path
    status: str
    overrides: Mapping[str, Any]
    summary: Mapping[str, Any]
    steps: np.ndarray
    scores: np.ndarray
    slopes: np.ndarray

    @property
    def is_finished(self) -> bool:
        """Whether it went on to its last step."""
        return self.status == "finished"

    @property
    def identity(self) -> dict[str, Any]:
        """Its cell, architecture, task and seed."""
        return {name: self.summary.get(name) for name in IDENTITY}

    @property
    def higher_is_better(self) -> bool | None:
        """The direction of the deciding metric; None where there is none."""
        return self.summary.get("higher_is_better")

    @property
    def steps_to_solved(self) -> int | None:
        """The step of the first evaluation that reaches the threshold; None where none does."""
        if not len(self.steps):
            return None
        threshold = self.summary["solved_at"] if self.is_finished else self.summary.get("solved_at")
        if threshold is None:
            return None
        sign = 1 if self.higher_is_better else -1
        reached = self.steps[sign * self.scores >= sign * threshold]
        return int(reached[0]) if len(reached) else None

    @property
    def slope(self) -> float | None:
        """The mean of the finite slopes; None where there is none."""
        finite = self.slopes[np.isfinite(self.slopes)]
        return float(finite.mean()) if len(finite) else None

    def score(self, which: str) -> float | None:
        """Return the deciding metric of the `final` or `best` evaluation, or of the `test`."""
        split = "test" if which == "test" else "eval"
        return self.summary.get(which, {}).get(f"{split}/{self.summary.get('metric')}")

    def row(self, swept: Sequence[str]) -> dict[str, Any]:
        """Return its line of `sweep.csv`.

        Args:
            swept: the keys that get a column of their own.
        """
        told = self.summary.get
        return {
            "folder": str(self.folder),
            "status": self.status,
            "reason": told("reason"),
            **self.identity,
            **{key: self.overrides.get(key) for key in swept},
            "metric": told("metric"),
            "higher_is_better": self.higher_is_better,
            **{which: self.score(which) for which in ("final", "best", "test")},
            **{key: told(key) for key in ("chance", "solved_at", "solved", "steps")},
            "steps_to_solved": self.steps_to_solved,
            **{key: told(key) for key in ("seconds", "compile_seconds", "steps_per_second", "num_params")},
            "slope_first": float(self.slopes[0]) if len(self.slopes) else None,
            "slope_mean": self.slope,
            "slope_last": float(self.slopes[-1]) if len(self.slopes) else None,
        }


def read_sweep(folder: Path | str) -> list[Told]:
    """Read every run in a sweep's folder; one that cannot be read is left out, and a warning names it."""
    told = []
    for run in find_runs(folder):
        try:
            told.append(_read(run))
        except Exception as error:  # whatever is wrong with one folder, the others have their say
            _log.warning("%s is left out of the sweep: %s: %s", run, type(error).__name__, error)
    return told


def swept_keys(told: Sequence[Told]) -> list[str]:
    """Return the overridden keys whose values differ among the runs, without `IDENTITY` and `HISTORY`."""
    keys = dict.fromkeys(key for run in told for key in run.overrides if key not in IDENTITY + HISTORY)
    return [key for key in keys if len({str(run.overrides.get(key)) for run in told}) > 1]


def spelt(value: Any) -> str:
    """Return the value of an override as it is written on a command line."""
    return "null" if value is None else str(value)


def _read(run: Path) -> Told:
    written = run / ".hydra" / "overrides.yaml"
    rows = read_rows(run)
    try:
        summary = read_summary(run)
    except FileNotFoundError:
        summary = _without_summary(run, rows)
    key = f"eval/{summary.get('metric')}"
    evaluations = [(row["step"], row[key]) for row in rows if key in row]
    steps, scores = np.array(evaluations, float).reshape(-1, 2).T
    told = Told(
        folder=run,
        status=summary["status"],
        overrides=dict(map(_parse, yaml.safe_load(written.read_text()))) if written.exists() else {},
        summary=summary,
        steps=steps,
        scores=scores,
        slopes=np.array([row[SLOPE] for row in rows if SLOPE in row], float),
    )
    told.row(())  # a summary that lacks what a row needs is found out here
    return told


def _without_summary(run: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what can be said of a run that was killed, or that still goes on."""
    choices = OmegaConf.load(run / ".hydra" / "hydra.yaml").hydra.runtime.choices
    return {
        **{name: choices.get(name) for name in IDENTITY},
        "seed": OmegaConf.load(run / ".hydra" / "config.yaml").seed,
        "status": UNFINISHED,
        "reason": "it has no summary.json: it was killed, or still runs",
        "steps": rows[-1]["step"] if rows else 0,
    }


@functools.lru_cache(maxsize=4096)
def _parse(override: str) -> tuple[str, Any]:
    """Return the key and the value of an override as Hydra reads it; a list or a dict stays as written."""
    parsed = OverridesParser.create().parse_override(override)
    value = parsed.value()
    plain = value is None or isinstance(value, (bool, int, float, str))
    return parsed.key_or_group, value if plain else parsed.get_value_element_as_str()
