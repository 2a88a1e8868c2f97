"""Collection of the atlas from the folders of its sweeps, and its tables."""

from __future__ import annotations

import collections
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seqlab.analysis.atlas.entries import entries, overall
from seqlab.analysis.atlas.measures import Judgement, measure_all
from seqlab.analysis.atlas.rows import Row, run_rows
from seqlab.analysis.sweep_runs import SweepRun, read_sweep
from seqlab.runs.files import read_yaml
from seqlab.runs.request import RESUMES
from seqlab.types import ConfigError

Line = dict[str, Any]


class Collection(NamedTuple):
    """What the runs of the atlas say.

    Attributes:
        root: the folder that all runs are below.
        runs: the runs.
        measures: those of each run.
        rows: a row a run.
        lines: a row an entry.
        models: a row a model.
        reference: the model that others are compared with.
        commands: how each sweep was started.
    """

    root: Path
    runs: Sequence[SweepRun]
    measures: Sequence[Any]
    rows: Sequence[Row]
    lines: Sequence[Line]
    models: Sequence[Line]
    reference: str
    commands: Sequence[str]

    @property
    def counts(self) -> dict[str, int]:
        """The number of runs by status, and how often runs were resumed."""
        resumes = sum(len(run.summary.get("resumed") or ()) for run in self.runs)
        return {**collections.Counter(run.status for run in self.runs), "resumes": resumes}


def collect(folders: Sequence[str | Path], judgement: Judgement, reference: str) -> Collection:
    """Read the runs of sweeps, measure those that are not measured yet, and compare them.

    Args:
        folders: the folders of the sweeps, of which several may be parts of one atlas.
        judgement: the settings of the evaluation beyond the trained lengths.
        reference: the model that others are compared with.

    Raises:
        ConfigError: there is no run below the folders.
    """
    runs = [run for folder in folders for run in read_sweep(folder)]
    if not runs:
        raise ConfigError(f"no run is below {', '.join(map(str, folders))}")
    root = Path(os.path.commonpath([Path(folder).absolute() for folder in folders]))
    measures = measure_all(runs, judgement)
    rows = run_rows(runs, measures, root)
    lines = entries(rows, reference)
    recorded = [path for folder in folders for path in sorted(Path(folder).rglob("multirun.yaml"))]
    commands = list(dict.fromkeys(map(_command, recorded)))
    return Collection(root, runs, measures, rows, lines, overall(lines, reference), reference, commands)


def _command(record: Path) -> str:
    """Return the command of a sweep, as its `multirun.yaml` records it, without its resumes."""
    words = map(str, read_yaml(record).hydra.overrides.task)
    given = [word for word in words if word.partition("=")[0] not in RESUMES]
    return " ".join(["python -m seqlab.train", *given])


def write_tables(found: Collection, folder: Path) -> list[str]:
    """Write `atlas.csv`, `atlas.parquet` and `cells.csv`, and return their names.

    The parquet file needs pyarrow; without it the csv file, which holds the same, is alone.
    """
    import pandas as pd

    runs: Any = pd.DataFrame(list(found.rows))
    runs.to_csv(folder / "atlas.csv", index=False)
    pd.DataFrame(list(found.lines)).to_csv(folder / "cells.csv", index=False)
    if importlib.util.find_spec("pyarrow") is None:
        return ["atlas.csv", "cells.csv"]
    runs.astype(dict.fromkeys(("learning_rate", "reason"), "string")).to_parquet(
        folder / "atlas.parquet", index=False
    )
    return ["atlas.csv", "atlas.parquet", "cells.csv"]
