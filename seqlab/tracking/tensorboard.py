"""TensorBoard tracker: event files in the run folder, which `tensorboard --logdir` shows."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.registry import require_extras
from seqlab.tracking.chart_values import Histogram, chart_values
from seqlab.tracking.encoding import to_plain
from seqlab.tracking.flow_pictures import FlowPictures
from seqlab.tracking.run_folder import read_rows
from seqlab.tracking.tracker import RunInfo

FOLDER = "tensorboard"
"""The folder of the event files in a run folder."""

SUMMARISED = "summary/"
"""The prefix of the metrics that TensorBoard's table of hyperparameters shows."""


@dataclasses.dataclass
class TensorBoard:
    """The tracker that writes event files for TensorBoard, chosen by `tracking=tensorboard`.

    Numbers are scalars by optimiser step. Longer lists, such as the gradient norms over t, are histograms. At
    evaluations and at the end there is a picture of the gradient's flow through time. At the end, the config
    and the best scores become a row of the table of hyperparameters.

    A resumed run writes its earlier rows again into new files, so no point is doubled.

    Attributes:
        folder: where to write, in a folder for each run; None for `tensorboard/` in the run folder.

    Raises:
        ConfigError: tensorboardX is not installed.
    """

    folder: str | None = None
    _writer: Any = dataclasses.field(default=None, init=False, repr=False, compare=False)
    _info: RunInfo = dataclasses.field(init=False, repr=False, compare=False)
    _pictures: FlowPictures = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_extras(("tensorboardX",), "tensorboard")

    def start(self, info: RunInfo) -> None:
        from tensorboardX import SummaryWriter

        logging.getLogger("tensorboardX").setLevel(logging.ERROR)  # it warns of every NaN
        self._info, self._pictures = info, FlowPictures(f"{info.cell}, {info.task}")
        place = self._place()
        shutil.rmtree(place, ignore_errors=True)
        self._writer = SummaryWriter(str(place))
        if info.resumed_from is not None:
            for row in read_rows(info.folder, last_step=info.resumed_from):
                self.log(row)

    def log(self, row: Mapping[str, Any]) -> None:
        numbers, histograms = chart_values(row)
        step = int(row["step"])
        for key, value in numbers.items():
            if key != "step":
                self._writer.add_scalar(key, float(value), step)
        for key, found in histograms.items():
            self._add_histogram(key, found, step)
        self._pictures.add(row)
        if self._info.goal_key in row:
            self._draw()

    def finish(self, summary: Mapping[str, Any]) -> None:
        self._draw(last=True)
        self._add_hyperparameters(summary)
        self._writer.close()

    def _place(self) -> Path:
        """Return the folder of the event files. Outside the run folder it has the run folder's last names."""
        if self.folder is None:
            return self._info.folder / FOLDER
        return Path(self.folder, *self._info.folder.absolute().parts[-3:])

    def _add_histogram(self, key: str, found: Histogram, step: int) -> None:
        middle = (found.edges[:-1] + found.edges[1:]) / 2
        self._writer.add_histogram_raw(
            key,
            min=float(found.edges[0]),
            max=float(found.edges[-1]),
            num=float(found.counts.sum()),
            sum=float(found.counts @ middle),
            sum_squares=float(found.counts @ middle**2),
            bucket_limits=found.edges[1:].tolist(),
            bucket_counts=found.counts.tolist(),
            global_step=step,
        )

    def _draw(self, last: bool = False) -> None:
        picture = self._pictures.due(last)
        if picture is not None:
            step = self._pictures.last_step
            self._writer.add_image("gradient_flow", picture.pixels, step, dataformats="HWC")

    def _add_hyperparameters(self, summary: Mapping[str, Any]) -> None:
        from tensorboardX.summary import hparams

        scores = {
            f"{SUMMARISED}{key}": float(value)
            for which in ("best", "test")
            for key, value in (summary.get(which) or {}).items()
            if key != "step"
        }
        names = {key: getattr(self._info, key) for key in ("cell", "architecture", "task")}
        for part in hparams(names | _leaves(to_plain(self._info.config)), scores):
            self._writer.file_writer.add_summary(part)
        step = int(summary.get("steps") or 0)
        for key, value in scores.items():
            self._writer.add_scalar(key, value, step)


def _leaves(node: Any, path: str = "") -> dict[str, Any]:
    """Return the numbers, texts and truth values of a config by their dotted keys."""
    if isinstance(node, Mapping):
        items = ((f"{path}.{key}" if path else str(key), value) for key, value in node.items())
        return {leaf: value for key, one in items for leaf, value in _leaves(one, key).items()}
    return {path: node} if isinstance(node, (bool, int, float, str, np.generic)) else {}
