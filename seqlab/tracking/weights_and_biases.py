"""Weights & Biases tracker: the rows of the run folder, offline by default."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from seqlab.checks import require_choice
from seqlab.tracking.encoding import to_plain
from seqlab.tracking.flow_pictures import FlowPictures
from seqlab.tracking.gradient_flow import SLOPE
from seqlab.tracking.run_folder import read_rows
from seqlab.tracking.tracker import RunInfo
from seqlab.tracking.wandb_internals import earlier_id, note_id, quiet_settings, without_launch
from seqlab.tracking.wandb_server import note_failure, why_unreachable

_log = logging.getLogger(__name__)

_SUMMARIES = {
    "train/loss": "min,last",
    "eval/loss": "min,last",
    "grads/norm": "min,max,last",
    "grads/clipped": "max,last",
    "grads/nonfinite": "max",
    SLOPE: "min,max,last",
    "updates/ratio": "min,max,last",
}
"""The values that W&B's summary keeps of a key; of any other key it keeps the last."""

_MAX_TAG = 64
"""The longest tag that W&B accepts, in characters."""

Mode = Literal["offline", "online", "disabled"]
MODES = get_args(Mode)

_MAX_BEHIND = 100
"""The most rows that may wait for W&B."""


@dataclasses.dataclass
class WeightsAndBiases:
    """The tracker that logs to W&B the rows that `metrics.jsonl` holds.

    Lists stay lists, except that a key `…/histogram`, counts over equal bins of [0, 1], becomes a W&B
    histogram. At evaluations and at the end, `gradient_flow/table` (step, t, log10 ‖∂L/∂h_t‖) and
    `gradient_flow/image` are added, which show the gradient's flow through time; not where a run has one row.

    A resumed run keeps its W&B id, and its earlier rows are logged again first. W&B replaces a run that is
    started under the same id, so the newest folder under `wandb/` is the whole run.

    The job type is the run's overrides on the axes of its sweep without the seed. W&B nests runs by group and
    job type, so it shows the seeds of one setting together. For a run by itself the job type is the
    architecture.

    W&B runs on a thread of its own, so that a run does not wait for its start, which takes a second. An error
    is raised by a later call.

    The run's name and notes are those of the config, or else those of `WANDB_NAME` and `WANDB_NOTES`. W&B's
    files lie in the run folder, or in `WANDB_DIR`.

    Attributes:
        mode: offline, online or disabled; disabled never imports wandb. None for `WANDB_MODE`, or offline.
        project: the W&B project; None for `WANDB_PROJECT`, or seqlab.
        entity: the W&B team or user; None for the account's default.
        group: the W&B group; None for the sweep's name, or for a run by itself the experiment's.
        tags: tags in addition to cell, architecture, task and the overrides on the axes of the sweep.

    Raises:
        ValueError: `mode` is none of these.
    """

    mode: Mode | None = None
    project: str | None = None
    entity: str | None = None
    group: str | None = None
    tags: Sequence[str] = ()
    _run: Any = dataclasses.field(default=None, init=False, repr=False, compare=False)
    _calls: list[Future[None]] = dataclasses.field(
        default_factory=list, init=False, repr=False, compare=False
    )
    _takes_media: bool = dataclasses.field(default=True, init=False, repr=False, compare=False)
    _url: str = dataclasses.field(default="", init=False, repr=False, compare=False)
    _goal_key: str = dataclasses.field(default="", init=False, repr=False)
    _pictures: FlowPictures = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.mode is not None:
            require_choice(self, "mode", MODES)
        elif self._mode not in MODES:
            raise ValueError(f"mode is null: WANDB_MODE must be one of {', '.join(MODES)}, got {self._mode}")

    @property
    def _mode(self) -> Mode:
        """The mode of the config or of the environment."""
        return self.mode or cast("Mode", os.environ.get("WANDB_MODE") or "offline")

    def start(self, info: RunInfo) -> None:
        """Begin to open the W&B run; in online mode wait until it is open.

        An online run whose server cannot be used is logged offline, with a warning.
        """
        self._call(self._open, info, behind=0 if self._mode == "online" else _MAX_BEHIND)

    def log(self, row: Mapping[str, Any]) -> None:
        self._call(self._log, row, behind=_MAX_BEHIND)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Close the W&B run. Its last rows reach the disk moments later, or as the process ends."""
        self._call(self._close, summary, behind=0)

    def _call(self, function: Callable[[Any], None], argument: Any, behind: int) -> None:
        """Let the thread of W&B make a call; wait until few are left, and raise an error of the others."""
        if self._mode == "disabled":
            return
        self._calls.append(_thread().submit(function, argument))
        while self._calls and (len(self._calls) > behind or self._calls[0].done()):
            self._calls.pop(0).result()

    def _open(self, info: RunInfo) -> None:
        import wandb  # imported here because it takes half a second

        reason = None
        if self._mode == "online":
            self._url = os.environ.get("WANDB_BASE_URL") or str(wandb.setup().settings.base_url)
            reason = why_unreachable(self._url)
        try:
            self._init(info, self._mode if reason is None else "offline")
        except wandb.Error as error:
            if self._mode == "offline":
                raise
            reason = " ".join(str(error).split())
            note_failure(self._url, reason)
            self._init(info, "offline")
        if reason is not None:
            _log.warning(
                "W&B is offline for this run: %s. To upload it later: wandb sync %s", reason, self._folder
            )
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")
        best = "max" if info.goal.higher_is_better else "min"
        of_goal = {f"train/{info.goal.metric}": f"{best},last", info.goal_key: best}
        for key, summary in {**_SUMMARIES, **of_goal}.items():
            self._run.define_metric(key, step_metric="step", summary=summary)
        self._goal_key, self._pictures = info.goal_key, FlowPictures(f"{info.cell}, {info.task}")
        if info.resumed_from is not None:
            for row in read_rows(info.folder, last_step=info.resumed_from):
                self._log(row)

    def _init(self, info: RunInfo, mode: Mode) -> None:
        import wandb

        with without_launch():
            self._run = wandb.init(
                mode=mode,
                project=self.project or os.environ.get("WANDB_PROJECT") or "seqlab",
                entity=self.entity,
                dir=os.environ.get("WANDB_DIR") or info.folder,
                id=None if info.resumed_from is None else earlier_id(info.folder),
                name=_name(info),
                notes=_given(info, "notes"),
                group=self.group or info.sweep or info.experiment,
                job_type=_job_type(info),
                tags=[
                    info.cell,
                    info.architecture,
                    info.task,
                    *(axis[:_MAX_TAG] for axis in info.axes),
                    *self.tags,
                ],
                config=to_plain(info.config),
                reinit="create_new",  # a sweep runs many jobs in one process
                settings=quiet_settings(),
            )
        note_id(info.folder, self._run.id)

    def _log(self, row: Mapping[str, Any]) -> None:
        if self._run is None:  # it was not opened, and that call has raised the error
            return
        self._pictures.add(row)
        media = self._pictures.media() if self._goal_key in row else {}
        media |= {key: _histogram(counts) for key, counts in row.items() if key.endswith("/histogram")}
        self._send(row, media)

    def _close(self, summary: Mapping[str, Any]) -> None:
        if self._run is None:
            return
        if media := self._pictures.media(last=True):
            self._send({"step": self._pictures.last_step}, media)
        self._run.summary.update(to_plain(summary))
        try:
            self._run.finish(exit_code=0 if summary["status"] == "finished" else 1)
        except TimeoutError:
            self._warn("the server did not take the last rows in time")
        if self._mode == "offline":
            _log.info("to upload this run: wandb sync %s", self._folder)
        self._run = None

    def _send(self, row: Mapping[str, Any], media: Mapping[str, Any]) -> None:
        """Log a row with its media, or without where the server, which media wait for, does not answer."""
        if not self._takes_media:
            media = {}
        try:
            with _staging_in(self._folder):
                self._run.log(to_plain({**row, **media}))
        except Exception as error:
            if self._mode != "online" or not media:
                raise
            self._warn(" ".join(str(error).split()))
            self._takes_media = False
            self._run.log(to_plain(row))

    def _warn(self, reason: str) -> None:
        """Say that the server failed in mid-run. The rows are in W&B's own file; later runs are offline."""
        note_failure(self._url, reason)
        _log.warning("W&B: %s. To upload later: wandb sync --include-online %s", reason, self._folder)

    @property
    def _folder(self) -> Path:
        """W&B's own folder of the run."""
        return Path(self._run.dir).parent


@functools.cache
def _thread() -> ThreadPoolExecutor:
    """Return the one thread of this process that calls W&B, because its calls must not overlap."""
    return ThreadPoolExecutor(1, "wandb")


def _name(info: RunInfo) -> str:
    """Return the name of the config, or of the environment, or what the run is."""
    return _given(info, "name") or f"{info.cell} {info.architecture} {info.task} seed {info.seed}"


def _given(info: RunInfo, key: str) -> str | None:
    """Return a text of the config, or else of W&B's variable of that name; None where neither is given."""
    given = info.config.get(key)
    return os.environ.get(f"WANDB_{key.upper()}") if given is None else str(given)


def _job_type(info: RunInfo) -> str:
    axes = [axis for axis in info.axes if not axis.startswith("seed=")]
    return " ".join(axes)[:_MAX_TAG] or info.architecture


def _histogram(counts: Sequence[float]) -> Any:
    """Return a W&B histogram of counts over equal bins of [0, 1]."""
    import wandb

    return wandb.Histogram(np_histogram=(to_plain(counts), np.linspace(0, 1, len(counts) + 1)))


@contextlib.contextmanager
def _staging_in(folder: Path) -> Generator[None]:
    """Let W&B stage its tables in a folder, not in the user's home, unless the user chose a place."""
    chosen = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = chosen or str(folder)
    try:
        yield
    finally:
        if chosen is None:
            del os.environ["WANDB_DATA_DIR"]
