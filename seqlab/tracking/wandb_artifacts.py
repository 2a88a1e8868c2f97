"""W&B artifacts of a run and of a sweep: the best checkpoint, figures, the report, tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.tracking import dashboard
from seqlab.tracking.encoding import to_plain
from seqlab.tracking.run_folder import find_runs

REPORT = "report.html"
BEST = Path("checkpoints", "best")
"""The folder in a run folder of the best parameters, a folder for each step."""

SWEEP_FILES = ("sweep.csv", "sweep.json", "*.png", "*.svg", REPORT)
"""Patterns of the files in a sweep's folder that become its artifact."""

OFFLINE = "offline-run-*"
"""The names of W&B's own folders of the runs that were logged offline."""


def scores(summary: Mapping[str, Any]) -> dict[str, float]:
    """Return the deciding metric at the best and the test evaluation, under keys that all tasks share."""
    places = {dashboard.BEST_SCORE: ("best", "eval"), dashboard.TEST_SCORE: ("test", "test")}
    found = {
        key: (summary.get(which) or {}).get(f"{split}/{summary.get('metric')}")
        for key, (which, split) in places.items()
    }
    return {key: value for key, value in found.items() if value is not None}


def log_model(run: Any, folder: Path) -> None:
    """Log the best checkpoint of a run folder, if it has one, as an artifact of the type model."""
    import wandb

    steps = [path for path in (folder / BEST).glob("*") if path.name.isdecimal()]
    if not steps:
        return
    best = max(steps, key=lambda path: int(path.name))
    artifact = wandb.Artifact(f"model-{run.id}", "model", metadata={"step": int(best.name)})
    for path in (path for path in sorted(best.rglob("*")) if path.is_file()):  # `add_dir` prints
        artifact.add_file(str(path), name=str(path.relative_to(folder)))
    run.log_artifact(artifact)


def log_figures(run: Any, folder: Path, picture: Any) -> None:
    """Log the report of a run folder, if it has one, and the picture of the gradient as an artifact.

    Args:
        run: the W&B run.
        folder: the run folder.
        picture: a `wandb.Image`; None for none.
    """
    import wandb

    artifact = wandb.Artifact(f"figures-{run.id}", "figures")
    if picture is not None:
        artifact.add(picture, "gradient_flow")
    if (report := folder / REPORT).is_file():
        artifact.add_file(str(report))
    if artifact.manifest.entries:
        run.log_artifact(artifact)


def log_sweep(run: Any, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Log the table, the figures and the files of a sweep.

    Args:
        run: a W&B run for the sweep as a whole.
        folder: the sweep's folder.
        rows: a row for each run, as in `sweep.csv`.
    """
    import wandb

    if rows:
        columns: list[Any] = list(rows[0])
        table = wandb.Table(columns=columns, allow_mixed_types=True)
        for row in rows:
            table.add_data(*(to_plain(row.get(column)) for column in columns))
        run.log({"sweep/table": table})
    pictures = sorted(folder.glob("*.png"))
    if pictures:
        run.log({f"sweep/{path.stem}": wandb.Image(str(path)) for path in pictures})
    artifact = wandb.Artifact(f"sweep-{artifact_name(folder.name)}", "sweep")
    for path in (path for pattern in SWEEP_FILES for path in sorted(folder.glob(pattern))):
        artifact.add_file(str(path))
    if artifact.manifest.entries:
        run.log_artifact(artifact)


def artifact_name(text: str) -> str:
    """Return a text with `-` for each character that the name of an artifact may not contain."""
    return re.sub(r"[^\w.-]", "-", text)[:100]


def sync_command(folder: Path) -> str | None:
    """Return the one command that uploads all runs below a folder that W&B logged offline.

    Args:
        folder: a sweep's folder, or a run's.

    Returns:
        Such as `wandb sync FOLDER/*/wandb/offline-run-*`; None where no run lies there, as with `WANDB_DIR`.
    """
    places = [place for place in (folder, *find_runs(folder)) if any((place / "wandb").glob(OFFLINE))]
    depths = sorted({len(place.relative_to(folder).parts) for place in places})
    patterns = ["/".join([shlex.quote(str(folder)), *["*"] * depth, "wandb", OFFLINE]) for depth in depths]
    return f"wandb sync {' '.join(patterns)}" if patterns else None
