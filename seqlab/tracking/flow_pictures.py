"""W&B's table and image of the gradient's flow through time, redrawn as a run proceeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqlab.tracking.gradient_flow import LOG10_NORM, SLOPE, Flow, draw, flow_of
from seqlab.tracking.wandb_internals import fill_table

MAX_SIZE = 50
"""The most rows, and the most t, in a picture; W&B truncates a table at 10,000 entries."""

FIRST = 20
"""The number of rows before the first picture, unless that is also the last."""

GROWTH = 1.5
"""The factor by which the rows must grow before the next picture, so that pictures become rarer."""


@dataclasses.dataclass
class FlowPictures:
    """Collects the rows of a run and draws them.

    Attributes:
        title: the title of the picture.
    """

    title: str
    _rows: list[dict[str, Any]] = dataclasses.field(default_factory=list, init=False, repr=False)
    _drawn: int = dataclasses.field(default=0, init=False, repr=False)

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row's gradient norms through time, if it has any."""
        if LOG10_NORM in row:
            log10_norm = np.asarray(row[LOG10_NORM], np.float32)
            self._rows.append({"step": row["step"], LOG10_NORM: log10_norm, SLOPE: row.get(SLOPE, np.nan)})

    @property
    def last_step(self) -> int:
        """The optimiser step of the last row that was kept."""
        return self._rows[-1]["step"]

    def media(self, last: bool = False) -> dict[str, Any]:
        """Return `gradient_flow/table` and `gradient_flow/image`; empty where too few rows are new.

        Args:
            last: whether this is the end of the run, where one new row is enough if there are two in all.
        """
        enough = max(2, self._drawn + 1) if last else max(FIRST, GROWTH * self._drawn)
        if len(self._rows) < enough:
            return {}
        self._drawn = len(self._rows)
        flow = flow_of(self._rows, self.title).thinned(MAX_SIZE)
        return {"gradient_flow/table": _table(flow), "gradient_flow/image": _image(flow)}


def _table(flow: Flow) -> Any:
    """Return one row per step and t (from 1): log10 ‖∂L/∂h_t‖, or None where that is not finite."""
    import wandb

    entries = [
        [int(step), int(t), float(value) if np.isfinite(value) else None]
        for step, line in zip(flow.steps, flow.log10_norm, strict=True)
        for t, value in zip(flow.times, line, strict=True)
    ]
    return fill_table(wandb.Table(columns=["step", "t", "log10_norm"], dtype=[int, int, float]), entries)


def _image(flow: Flow) -> Any:
    import wandb
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(draw([flow]))
    canvas.draw()
    return wandb.Image(np.asarray(canvas.buffer_rgba()))
