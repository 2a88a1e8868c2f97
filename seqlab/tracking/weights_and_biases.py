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

from seqlab.checks import require_choice
from seqlab.tracking.chart_values import chart_values
from seqlab.tracking.encoding import to_plain
from seqlab.tracking.flow_pictures import FlowPictures
from seqlab.tracking.run_folder import read_rows
from seqlab.tracking.tracker import RunInfo
from seqlab.tracking.wandb_artifacts import log_figures, log_model, log_sweep, scores
from seqlab.tracking.wandb_internals import earlier_id, note_id, quiet_settings, without_launch
from seqlab.tracking.wandb_media import IMAGE, flow_media, histogram
from seqlab.tracking.wandb_metrics import define_metrics
from seqlab.tracking.wandb_names import all_tags, given, group_name, job_type, readable_config, run_name
from seqlab.tracking.wandb_server import note_failure, why_unreachable, why_unreachable_now

_log = logging.getLogger(__name__)

Mode = Literal["offline", "online", "disabled"]
MODES = get_args(Mode)

_MAX_BEHIND = 100
"""The most rows that may wait for W&B."""


@dataclasses.dataclass
class WeightsAndBiases:
    """The tracker that logs to W&B the rows that `metrics.jsonl` holds.

    W&B has no chart of lists, so a short list becomes numbers and a longer one a histogram
    (`seqlab.tracking.chart_values`). At evaluations and at the end, `gradient_flow/table` (step, t,
    log10 ‖∂L/∂h_t‖) and `gradient_flow/image` are added, which show the gradient's flow through time; not
    where a run has one row.

    At the end, the best checkpoint becomes an artifact of the type model, the picture of the gradient and the
    report an artifact of the type figures. The table and the figures of a sweep are in a W&B run of its own.

    A resumed run keeps its W&B id, and its earlier rows are logged again first. W&B replaces a run that is
    started under the same id, so the newest folder under `wandb/` is the whole run.

    The job type is the run's overrides on the axes of its sweep without the seed. W&B nests runs by group and
    job type, so it shows the seeds of one setting together. For a run by itself the job type is the
    architecture.

    W&B runs on a thread of its own, so that a run does not wait for its start, which takes a second. An error
    is raised by a later call.

    The run's name and notes are those of the config, or else those of `WANDB_NAME` and `WANDB_NOTES`; in a
    sweep the name also tells the runs apart. W&B's files lie in the run folder, or in `WANDB_DIR`.

    Attributes:
        mode: offline, online or disabled; disabled never imports wandb. None for `WANDB_MODE`, or offline.
        project: the W&B project; None for `WANDB_PROJECT`, or seqlab.
        entity: the W&B team or user; None for `WANDB_ENTITY`, or the account's default.
        group: the W&B group; None for `WANDB_RUN_GROUP`, or the sweep's name, or the experiment's.
        tags: tags in addition to those of `WANDB_TAGS`, and to cell, architecture, task and the overrides on
            the axes of the sweep.
        model: whether to log the best checkpoint. W&B copies it.
        figures: whether to log the picture of the gradient and the report, and those of a sweep.

    Raises:
        ValueError: `mode` is none of these.
    """

    mode: Mode | None = None
    project: str | None = None
    entity: str | None = None
    group: str | None = None
    tags: Sequence[str] = ()
    model: bool = True
    figures: bool = True
    _run: Any = dataclasses.field(default=None, init=False, repr=False, compare=False)
    _calls: list[Future[None]] = dataclasses.field(
        default_factory=list, init=False, repr=False, compare=False
    )
    _takes_media: bool = dataclasses.field(default=True, init=False, repr=False, compare=False)
    _url: str = dataclasses.field(default="", init=False, repr=False, compare=False)
    _info: RunInfo = dataclasses.field(init=False, repr=False, compare=False)
    _pictures: FlowPictures = dataclasses.field(init=False, repr=False, compare=False)
    _image: Any = dataclasses.field(default=None, init=False, repr=False, compare=False)

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

    def finish_sweep(self, folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        """Log the table and the figures of a sweep that has ended, as a W&B run of the type sweep.

        Args:
            folder: the sweep's folder.
            rows: a row for each run, as in `sweep.csv`.
        """
        if self.figures:
            self._call(self._log_sweep, (folder, rows), behind=0)

    def _call(self, function: Callable[[Any], None], argument: Any, behind: int) -> None:
        """Let the thread of W&B make a call; wait until few are left, and raise an error of the others."""
        if self._mode == "disabled":
            return
        self._calls.append(_thread().submit(function, argument))
        while self._calls and (len(self._calls) > behind or self._calls[0].done()):
            self._calls.pop(0).result()

    def _open(self, info: RunInfo) -> None:
        self._info, self._pictures, self._image = info, FlowPictures(f"{info.cell}, {info.task}"), None
        self._init(
            dir=os.environ.get("WANDB_DIR") or info.folder,
            id=None if info.resumed_from is None else earlier_id(info.folder),
            name=run_name(info),
            notes=given(info, "notes"),
            group=group_name(self.group, info.sweep or info.experiment),
            job_type=job_type(info),
            tags=all_tags(info, self.tags),
            config=readable_config(info),
        )
        note_id(info.folder, self._run.id)
        define_metrics(self._run, info.goal)
        if info.resumed_from is not None:
            for row in read_rows(info.folder, last_step=info.resumed_from):
                self._log(row)

    def _init(self, **settings: Any) -> None:
        """Open a W&B run; offline, with a warning, where the server of an online run cannot be used."""
        import wandb  # imported here because it takes half a second

        reason = None
        if self._mode == "online":
            self._url = os.environ.get("WANDB_BASE_URL") or str(wandb.setup().settings.base_url)
            reason = why_unreachable(self._url)
        try:
            self._run = self._opened(self._mode if reason is None else "offline", settings)
        except wandb.Error as error:
            if self._mode == "offline":
                raise
            reason = " ".join(str(error).split())
            note_failure(self._url, reason)
            self._run = self._opened("offline", settings)
        if reason is not None:
            _log.warning(
                "W&B is offline for this run: %s. To upload it later: wandb sync %s", reason, self._folder
            )

    def _opened(self, mode: str, settings: Mapping[str, Any]) -> Any:
        import wandb

        with without_launch():
            return wandb.init(
                mode=cast("Mode", mode),
                project=self.project or os.environ.get("WANDB_PROJECT") or "seqlab",
                entity=self.entity or os.environ.get("WANDB_ENTITY"),
                reinit="create_new",  # a sweep runs many jobs in one process
                settings=quiet_settings(),
                **settings,
            )

    def _log(self, row: Mapping[str, Any]) -> None:
        if self._run is None:  # it was not opened, and that call has raised the error
            return
        self._pictures.add(row)
        numbers, histograms = chart_values(row)
        media: dict[str, Any] = {key: histogram(counts) for key, counts in histograms.items()}
        if self._info.goal_key in row:
            media |= self._flow_media()
        self._send(numbers, media)

    def _close(self, summary: Mapping[str, Any]) -> None:
        if self._run is None:
            return
        if media := self._flow_media(last=True):
            self._send({"step": self._pictures.last_step}, media)
        self._run.summary.update(to_plain({**summary, **scores(summary)}))
        folder, latest = self._info.folder, self._image
        model = (lambda run: log_model(run, folder),) if self.model else ()
        figures = (lambda run: log_figures(run, folder, latest),) if self.figures else ()
        self._attach(*model, *figures)
        offline, place = self._run.offline, self._folder
        self._finish(summary["status"] in ("finished", "pruned"))
        if offline and self._info.sweep is None:  # a sweep names one command for all of its runs
            _log.info("to upload this run: wandb sync %s", place)
        self._run = self._image = None

    def _flow_media(self, last: bool = False) -> dict[str, Any]:
        """Return the media of a new picture of the gradient's flow; none where none is due."""
        if (picture := self._pictures.due(last)) is None:
            return {}
        media = flow_media(picture)
        self._image = media[IMAGE]  # an artifact takes it too, without encoding it again
        return media

    def _log_sweep(self, ended: tuple[Path, Sequence[Mapping[str, Any]]]) -> None:
        folder, rows = ended
        name = "/".join(folder.absolute().parts[-2:])
        place = os.environ.get("WANDB_DIR") or folder
        chosen = {"name": f"sweep {name}", "group": group_name(self.group, name), "job_type": "sweep"}
        self._init(dir=place, id=earlier_id(folder), **chosen)
        note_id(folder, self._run.id)  # a sweep that is resumed is the same W&B run
        self._attach(lambda run: log_sweep(run, folder, rows))
        self._finish(True)
        self._run = None

    def _attach(self, *logs: Callable[[Any], None]) -> None:
        """Log artifacts, which wait for the server; not where it does not answer any more."""
        if not logs or not self._takes_media:
            return
        reason = None if self._run.offline else why_unreachable_now(self._url)
        try:
            if reason is None:
                with _staging_in(self._folder):
                    for log in logs:
                        log(self._run)
        except Exception as error:
            reason = " ".join(str(error).split())
        if reason is not None:
            self._warn(reason)
            self._takes_media = False

    def _finish(self, succeeded: bool) -> None:
        try:
            self._run.finish(exit_code=0 if succeeded else 1)
        except TimeoutError:
            if self._takes_media:  # else there has been a warning
                self._warn("the server did not take the last rows in time")

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
