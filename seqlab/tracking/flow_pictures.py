"""Image of the gradient's flow through time, redrawn as a run proceeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from seqlab.tracking.flow_canvas import picture
from seqlab.tracking.gradient_flow import LOG10_NORM, SLOPE, Flow, flow_of

MAX_SIZE = 50
"""The most rows, and the most t, in a picture; W&B truncates a table at 10,000 entries."""

FIRST = 20
"""The number of rows before the first picture, unless that is also the last."""

GROWTH = 1.5
"""The factor by which the rows must grow before the next picture, so that pictures become rarer."""


class Picture(NamedTuple):
    """A picture of a run's flow so far.

    Its colours always span the same decades, so that the pictures of a run and of several can be compared.

    Attributes:
        flow: what is drawn.
        pixels: uint8 `(height, width, 4)`.
    """

    flow: Flow
    pixels: np.ndarray


@dataclasses.dataclass
class FlowPictures:
    """Collects the rows of a run, and draws a picture of them when one is due.

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

    def due(self, last: bool = False) -> Picture | None:
        """Return a new picture; None where too few rows are new.

        Args:
            last: whether this is the end of the run, where one new row is enough if there are two in all.
        """
        enough = max(2, self._drawn + 1) if last else max(FIRST, GROWTH * self._drawn)
        if len(self._rows) < enough:
            return None
        self._drawn = len(self._rows)
        flow = flow_of(self._rows, self.title).thinned(MAX_SIZE)
        return Picture(flow, picture(flow))
