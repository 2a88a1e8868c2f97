"""Pictures of the gradient's flow of many runs, drawn on one figure."""

from __future__ import annotations

import functools
import threading
from typing import Any

import numpy as np

from seqlab.tracking.figure_style import pixels, styled
from seqlab.tracking.flow_figure import draw, slope_limits
from seqlab.tracking.gradient_flow import MAX_DECADES, Flow

_TURN = threading.Lock()
"""Held by the thread that draws, as all threads share the canvases."""


def picture(flow: Flow) -> np.ndarray:
    """Return the picture of a flow without a theory, uint8 `(height, width, 4)`.

    It is that of `seqlab.tracking.flow_figure.draw` with colours over `MAX_DECADES`. The runs of a program
    have rows at the same steps. So what their pictures share is drawn once, which takes most of the time.
    """
    with _TURN:
        return _canvas(flow.title, tuple(flow.steps), tuple(flow.times)).picture(flow)


@functools.lru_cache(maxsize=2)
def _canvas(title: str, steps: tuple[int, ...], times: tuple[int, ...]) -> _Canvas:
    return _Canvas(title, steps, times)


class _Canvas:
    """A figure of one panel, in which what depends on the norms can be replaced."""

    def __init__(self, title: str, steps: tuple[int, ...], times: tuple[int, ...]) -> None:
        """Draw what the pictures of all flows with this title, these steps and times share."""
        nothing = np.zeros((len(steps), len(times)))
        like = Flow(title, np.array(steps), np.array(times), nothing, nothing[:, 0])
        self._figure = draw([like], decades=MAX_DECADES)
        self._upper, self._lower, _ = self._figure.axes
        upper, lower = self._upper, self._lower
        self._replaced = [*upper.collections, *upper.spines.values(), *upper.texts]
        self._replaced += [*lower.patches, *lower.lines, *lower.spines.values(), lower.yaxis]
        self._replaced.sort(key=lambda artist: artist.get_zorder())
        for artist in self._replaced:
            artist.set_animated(True)  # the canvas leaves it out
        pixels(self._figure)
        self._shared = self._figure.canvas.copy_from_bbox(self._figure.bbox)

    @styled()
    def picture(self, flow: Flow) -> np.ndarray:
        """Return the picture of a flow."""
        self._put(flow)
        canvas: Any = self._figure.canvas
        canvas.restore_region(self._shared)
        for artist in self._replaced:
            artist.draw(canvas.get_renderer())
        return np.array(canvas.buffer_rgba())

    def _put(self, flow: Flow) -> None:
        """Replace what depends on the norms."""
        (heat,), (below, above, line) = self._upper.collections, self._lower.patches
        heat.set_array(np.clip(flow.relative, -MAX_DECADES, MAX_DECADES).T)
        for row, text in zip((0, -1), self._upper.texts, strict=False):  # there is no second one at one row
            word, colour = flow.verdict(row)
            text.set(text=word, color=colour)
        below.set_data(np.minimum(flow.slope, 0))
        above.set_data(np.maximum(flow.slope, 0))
        line.set_data(flow.slope)
        self._lower.set_ylim(slope_limits([flow]))
