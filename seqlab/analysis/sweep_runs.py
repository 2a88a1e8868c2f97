"""Runs of a sweep folder: how each ended, its summary, its evaluations and its gradient slopes."""

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

from seqlab.runs.files import read_request
from seqlab.runs.request import RESUMES
from seqlab.tracking import find_runs, read_rows, read_summary
from seqlab.tracking.gradient_flow import SLOPE
from seqlab.tracking.lines import number
from seqlab.tracking.run_folder import UNFINISHED

_log = logging.getLogger(__name__)

IDENTITY = ("cell", "architecture", "task", "seed")
"""The keys that identify every run, swept or not."""

SIZES = ("features", "num_params", "state_size")
"""The keys of a summary that say how large the network is."""

DAMAGED = "damaged"
"""The status of a run that cannot be read, in addition to `seqlab.tracking.STATUSES` and `UNFINISHED`."""

AS_PLANNED = ("finished", "pruned", "incompatible")
"""The statuses of runs of which a sweep misses nothing."""


@dataclasses.dataclass(frozen=True)
class SweepRun:
    """One run of a sweep, finished or not.

    Attributes:
        folder: the run folder.
        status: how the run ended: one of `seqlab.tracking.STATUSES`, `UNFINISHED` or `DAMAGED`.
        overrides: the value of every key that the command line or the sweep set.
        summary: the content of `summary.json`; of an unfinished run, its identity and its last logged step.
        steps: the optimiser steps of the evaluations on the validation split, `(N,)`.
        scores: the deciding metric at these evaluations, `(N,)`.
        slopes: the decades that the gradient gained per step back through time, one for each row that has it.
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
        """Whether the run made all of its steps."""
        return self.status == "finished"

    @property
    def identity(self) -> dict[str, Any]:
        """The cell, architecture, task and seed."""
        return {name: self.summary.get(name) for name in IDENTITY}

    @property
    def higher_is_better(self) -> bool | None:
        """The direction of the deciding metric; None where the summary does not say."""
        return self.summary.get("higher_is_better")

    @property
    def validation(self) -> Mapping[str, Any]:
        """The `chance` and `solved_at` of the validation split; of the test split in older summaries."""
        return self.summary.get("validation", self.summary)

    @property
    def steps_to_solved(self) -> int | None:
        """The step of the first evaluation that reaches the validation split's threshold, or None."""
        threshold = self.validation.get("solved_at")
        if not len(self.steps) or threshold is None:
            return None
        sign = 1 if self.higher_is_better else -1
        reached = self.steps[sign * self.scores >= sign * threshold]
        return int(reached[0]) if len(reached) else None

    @property
    def slope(self) -> float | None:
        """The mean of the finite slopes; None where there are none."""
        finite = self.slopes[np.isfinite(self.slopes)]
        return float(finite.mean()) if len(finite) else None

    def score(self, which: str) -> float | None:
        """Return the deciding metric of the evaluation `final`, `best` or `test`; None if there is none."""
        split = "test" if which == "test" else "eval"
        return self.summary.get(which, {}).get(f"{split}/{self.summary.get('metric')}")

    def row(self, swept: Sequence[str]) -> dict[str, Any]:
        """Return the run's row of `sweep.csv`.

        Args:
            swept: the keys that get a column each.
        """
        get = self.summary.get
        return {
            "folder": str(self.folder),
            "status": self.status,
            "reason": get("reason"),
            **self.identity,
            **{key: self.overrides.get(key) for key in swept},
            "metric": get("metric"),
            "higher_is_better": self.higher_is_better,
            **{which: self.score(which) for which in ("final", "best", "test")},
            **{key: get(key) for key in ("chance", "solved_at", "solved", "steps")},
            "steps_to_solved": self.steps_to_solved,
            **{key: get(key) for key in ("seconds", "compile_seconds", "steps_per_second")},
            **{key: get(key) for key in SIZES},
            "slope_first": float(self.slopes[0]) if len(self.slopes) else None,
            "slope_mean": self.slope,
            "slope_last": float(self.slopes[-1]) if len(self.slopes) else None,
        }


def read_sweep(folder: Path | str) -> list[SweepRun]:
    """Read every run in a sweep's folder. A run that cannot be read is listed as damaged, with a warning."""
    runs = []
    for run_folder in find_runs(folder):
        try:
            runs.append(_read(run_folder))
        except Exception as error:  # one damaged folder must not hide the other runs
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            _log.warning("%s cannot be read: %s", run_folder, reason)
            runs.append(_damaged(run_folder, reason))
    return runs


def swept_keys(runs: Sequence[SweepRun]) -> list[str]:
    """Return the overridden keys whose values differ among the runs, without `IDENTITY` and `RESUMES`."""
    runs = [run for run in runs if run.status != DAMAGED]
    keys = dict.fromkeys(key for run in runs for key in run.overrides if key not in IDENTITY + RESUMES)
    return [key for key in keys if len({str(run.overrides.get(key)) for run in runs}) > 1]


def override_text(value: Any) -> str:
    """Return the value of an override as it is written on a command line."""
    return "null" if value is None else str(value)


def short_text(value: Any) -> str:
    """Return the value of an override with few digits, for tables."""
    return number(value) if isinstance(value, float) else override_text(value)


def _read(run: Path) -> SweepRun:
    rows = read_rows(run)
    try:
        summary = read_summary(run)
    except FileNotFoundError:
        summary = _without_summary(run, rows)
    key = f"eval/{summary.get('metric')}"
    evaluations = [(row["step"], row[key]) for row in rows if key in row]
    steps, scores = np.array(evaluations, float).reshape(-1, 2).T
    found = SweepRun(
        folder=run,
        status=summary["status"],
        overrides=_read_overrides(run / ".hydra" / "overrides.yaml"),
        summary=summary,
        steps=steps,
        scores=scores,
        slopes=np.array([row[SLOPE] for row in rows if SLOPE in row], float),
    )
    found.row(())  # raises here where the summary lacks what a row needs
    return found


def _read_overrides(path: Path) -> dict[str, Any]:
    return dict(map(_parse, yaml.safe_load(path.read_text(encoding="utf-8")))) if path.exists() else {}


def _damaged(run: Path, reason: str) -> SweepRun:
    """Return a run of which nothing is known but that it cannot be read."""
    nothing = np.zeros(0)
    summary = {"status": DAMAGED, "reason": reason}
    return SweepRun(run, DAMAGED, {}, summary, nothing, nothing, nothing)


def _without_summary(run: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is known of a run that was killed or is still running."""
    return {
        **read_request(run).identity,
        "status": UNFINISHED,
        "reason": "it has no summary.json: it was killed, or is still running",
        "steps": rows[-1]["step"] if rows else 0,
    }


@functools.lru_cache(maxsize=4096)
def _parse(override: str) -> tuple[str, Any]:
    """Return the key and the value of an override as Hydra reads it; lists and dicts stay text."""
    parsed = OverridesParser.create().parse_override(override)
    value = parsed.value()
    plain = value is None or isinstance(value, (bool, int, float, str))
    return parsed.key_or_group, value if plain else parsed.get_value_element_as_str()
