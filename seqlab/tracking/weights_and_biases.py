"""How does Weights & Biases hear of it? The same rows as the run folder, offline unless told otherwise."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.checks import require_choice
from seqlab.tracking.encoding import to_plain
from seqlab.tracking.flow_pictures import FlowPictures
from seqlab.tracking.gradient_flow import SLOPE
from seqlab.tracking.run_folder import read_rows
from seqlab.tracking.tracker import RunInfo

_log = logging.getLogger(__name__)

_QUIET = {
    "silent": True,
    "console": "off",
    "symlink": False,
    "disable_git": True,
    "disable_code": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""W&B settings that print nothing and start fast; what they would record is in `summary.json`."""

_SUMMARIES = {
    "train/loss": "min,last",
    "eval/loss": "min,last",
    "grads/norm": "min,max,last",
    "grads/clipped": "max,last",
    "grads/nonfinite": "max",
    SLOPE: "min,max,last",
    "updates/ratio": "min,max,last",
}
"""What W&B's summary keeps of a key beside its chart; of any other key, the last value."""

_LONGEST = 64
"""How many characters W&B lets a tag have."""


@dataclasses.dataclass
class WeightsAndBiases:
    """The listener that feeds W&B; lists stay lists, so that W&B holds what `metrics.jsonl` holds.

    But a key `…/histogram`, of counts over equal bins of [0, 1], becomes W&B's histogram; and at evaluations,
    and at the end, `gradient_flow/table` (step, t, log10 ‖∂L/∂h_t‖) and `gradient_flow/image` show the
    gradient's flow through time up to there.

    A resumed run keeps its W&B id, and its kept rows are logged again first: W&B replaces a run that is
    started under the same id, so the newest folder under `wandb/` alone is the whole run.

    The job type is the run's place on the sweep's axes but for the seed, so that W&B, which nests runs by
    group and job type, shows seeds together; of a run alone, the architecture.

    Attributes:
        mode: offline, online or disabled; disabled never imports wandb.
        project: the W&B project.
        entity: the W&B team or user; None for the account's default.
        group: runs shown together; None for the sweep's name, of a run alone the experiment's.
        tags: tags beside cell, architecture, task and the run's place on each axis of its sweep.

    Raises:
        ValueError: where `mode` is none of these.
    """

    mode: str = "offline"
    project: str = "seqlab"
    entity: str | None = None
    group: str | None = None
    tags: Sequence[str] = ()
    _run: Any = dataclasses.field(default=None, init=False, repr=False)
    _goal_key: str = dataclasses.field(default="", init=False, repr=False)
    _pictures: FlowPictures | None = dataclasses.field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        require_choice(self, "mode", ("offline", "online", "disabled"))

    def start(self, info: RunInfo) -> None:
        """Open the W&B run.

        Raises:
            wandb.Error: online, where no key is configured or the server cannot be reached (after some 20 s).
        """
        if self.mode == "disabled":
            return
        import wandb  # half a second, spared to those who do not use it

        self._run = wandb.init(
            mode=self.mode,
            project=self.project,
            entity=self.entity,
            dir=info.folder,
            id=None if info.resumed_from is None else _earlier_id(info.folder),
            name=f"{info.cell} {info.architecture} {info.task} seed {info.seed}",
            group=self.group or info.sweep or info.experiment,
            job_type=_job_type(info),
            tags=[
                info.cell,
                info.architecture,
                info.task,
                *(axis[:_LONGEST] for axis in info.axes),
                *self.tags,
            ],
            config=to_plain(info.config),
            reinit="create_new",  # a sweep runs many jobs in one process
            settings=wandb.Settings(**_QUIET),
        )
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")
        best = "max" if info.goal.higher_is_better else "min"
        judged = {f"train/{info.goal.metric}": f"{best},last", info.goal_key: best}
        for key, summary in {**_SUMMARIES, **judged}.items():
            self._run.define_metric(key, step_metric="step", summary=summary)
        self._goal_key, self._pictures = info.goal_key, FlowPictures(f"{info.cell}, {info.task}")
        if info.resumed_from is not None:
            for row in read_rows(info.folder, last_step=info.resumed_from):
                self.log(row)

    def log(self, row: Mapping[str, Any]) -> None:
        if self._run is None:
            return
        self._pictures.hear(row)
        media = self._pictures.media() if self._goal_key in row else {}
        media |= {key: _histogram(counts) for key, counts in row.items() if key.endswith("/histogram")}
        self._send({**row, **media})

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Close the W&B run; its last rows reach the disk moments later, or as the process ends."""
        if self._run is None:
            return
        if media := self._pictures.media(last=True):
            self._send({"step": self._pictures.last_step, **media})
        self._run.summary.update(to_plain(summary))
        self._run.finish(exit_code=0 if summary["status"] == "finished" else 1)
        if self.mode == "offline":
            _log.info("to upload this run: wandb sync %s", Path(self._run.dir).parent)
        self._run = None

    def _send(self, row: Mapping[str, Any]) -> None:
        with _staging_in(Path(self._run.dir).parent):
            self._run.log(to_plain(row))


def _job_type(info: RunInfo) -> str:
    axes = [axis for axis in info.axes if not axis.startswith("seed=")]
    return " ".join(axes)[:_LONGEST] or info.architecture


def _histogram(counts: Sequence[float]) -> Any:
    """Return W&B's histogram of counts over equal bins of [0, 1]."""
    import wandb

    return wandb.Histogram(np_histogram=(to_plain(counts), np.linspace(0, 1, len(counts) + 1)))


@contextlib.contextmanager
def _staging_in(folder: Path) -> Iterator[None]:
    """Let W&B keep copies of its tables in a folder, not in the user's home, unless it was told where."""
    told = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = told or str(folder)
    try:
        yield
    finally:
        if told is None:
            del os.environ["WANDB_DATA_DIR"]


def _earlier_id(folder: Path) -> str | None:
    """Read the W&B id off the newest of W&B's own folders, `[offline-]run-<date>_<time>-<id>[-<count>]`."""
    names = [path.name.removeprefix("offline-") for path in Path(folder, "wandb").glob("*run-*_*-*")]
    return max(names).split("-")[2] if names else None
