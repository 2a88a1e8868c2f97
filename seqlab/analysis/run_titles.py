"""Titles of runs in one figure: what tells each from the others, and what all have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seqlab.analysis.panels import value_texts
from seqlab.analysis.sweep_runs import IDENTITY, SweepRun, swept_keys

ENDED = ("finished", None)
"""The statuses that a title does not mention."""


def run_titles(runs: Sequence[SweepRun]) -> tuple[list[str], str]:
    """Return a title for each run, and one for all.

    A title has `key=value` for every key in which the runs differ, or else the name of the folder, and the
    status of a run that did not finish. The common title has cell, architecture, task and seed.
    """
    keys = [*IDENTITY, *swept_keys(runs)]
    values = {key: [_value(run, key) for run in runs] for key in keys}
    differing = [key for key in keys if len({str(value) for value in values[key]}) > 1]
    texts = {key: value_texts(values[key]) for key in differing}
    names = [
        ", ".join(f"{_last(key)}={texts[key][value[index]]}" for key in differing for value in [values[key]])
        for index in range(len(runs))
    ]
    if len(set(names)) < len(runs):
        names = [
            ", ".join(filter(None, [str(run.folder), name])) if len(runs) > 1 else ""
            for run, name in zip(runs, names, strict=True)
        ]
    titles = [_with_status(name, run) for name, run in zip(names, runs, strict=True)]
    common = [str(values[key][0]) for key in IDENTITY[:-1] if key not in differing and values[key][0]]
    if "seed" not in differing and values["seed"][0] is not None:
        common.append(f"seed {values['seed'][0]}")
    return titles, ", ".join(common)


def _value(run: SweepRun, key: str) -> Any:
    return run.identity[key] if key in IDENTITY else run.overrides.get(key)


def _last(key: str) -> str:
    return key.rpartition(".")[2].rpartition("/")[2]


def _with_status(name: str, run: SweepRun) -> str:
    return name if run.status in ENDED else "\n".join(filter(None, [name, f"({run.status})"]))
