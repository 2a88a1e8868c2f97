"""When is the gradient's flow pictured anew while a run goes on, and as what? W&B's table and image."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqlab.tracking.gradient_flow import LOG10_NORM, SLOPE, Flow, draw, flow_of

SIZE = 50
"""How many rows, and how many t, a picture shows at most; W&B cuts a table at 10,000 entries."""

FIRST = 20
"""How many rows the first picture needs, unless it is the last."""

GROWTH = 1.5
"""How many times the rows of the last picture the next one needs, so that pictures grow rarer."""


@dataclasses.dataclass
class FlowPictures:
    """Gathers the rows of a run and pictures them.

    Attributes:
        title: what stands over the picture.
    """

    title: str
    _rows: list[dict[str, Any]] = dataclasses.field(default_factory=list, init=False, repr=False)
    _pictured: int = dataclasses.field(default=0, init=False, repr=False)

    def hear(self, row: Mapping[str, Any]) -> None:
        """Keep what a row says of the flow through time, if it does."""
        if LOG10_NORM in row:
            log10_norm = np.asarray(row[LOG10_NORM], np.float32)
            self._rows.append({"step": row["step"], LOG10_NORM: log10_norm, SLOPE: row.get(SLOPE, np.nan)})

    @property
    def last_step(self) -> int:
        """The optimiser step of the last row kept."""
        return self._rows[-1]["step"]

    def media(self, last: bool = False) -> dict[str, Any]:
        """Return `gradient_flow/table` and `gradient_flow/image`; nothing where too few rows have come.

        Args:
            last: whether one row is enough, as no more will come.
        """
        enough = self._pictured + 1 if last else max(FIRST, GROWTH * self._pictured)
        if len(self._rows) < enough:
            return {}
        self._pictured = len(self._rows)
        flow = flow_of(self._rows, self.title).thinned(SIZE)
        return {"gradient_flow/table": _table(flow), "gradient_flow/image": _image(flow)}


def _table(flow: Flow) -> Any:
    """Return a row an entry: step, t from 1, log10 ‖∂L/∂h_t‖, None where that is not finite."""
    import wandb

    entries = [
        [int(step), int(t), float(value) if np.isfinite(value) else None]
        for step, line in zip(flow.steps, flow.log10_norm, strict=True)
        for t, value in zip(flow.times, line, strict=True)
    ]
    table = wandb.Table(columns=["step", "t", "log10_norm"], dtype=[int, int, float])
    table.data.extend(entries)  # `add_data` looks at every entry's type, which takes longer than the picture
    return table


def _image(flow: Flow) -> Any:
    import wandb
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(draw([flow]))
    canvas.draw()
    return wandb.Image(np.asarray(canvas.buffer_rgba()))
