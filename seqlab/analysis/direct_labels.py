"""Labels beside the ends of lines, moved apart so that none covers another."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.tracking.figure_style import GREY, SMALL

LINE = 1.15
"""The height of a line of text, in units of its size."""

LONGEST = 30
"""The most characters of a line of a label."""


class End(NamedTuple):
    """The end of a line.

    Attributes:
        y: its value at the right end, in the data's unit.
        text: the label.
        colour: of the label.
    """

    y: float
    text: str
    colour: Any = GREY


def label_ends(ax: Any, ends: Sequence[End], height: float) -> None:
    """Write labels to the right of axes, each as near to its line's end as the others allow.

    The limits and the scale of y must be final. Ends with equal texts get one label, at their mean height.

    Args:
        ax: the axes.
        ends: the ends; those that are not finite get no label.
        height: the height of the axes, in inches.
    """
    found: dict[str, list[tuple[float, Any]]] = {}
    for end in ends:
        if np.isfinite(end.y):
            place = ax.transAxes.inverted().transform(ax.transData.transform((0, end.y)))[1]
            found.setdefault(end.text, []).append((float(np.clip(place, 0, 1)), end.colour))
    texts = [_wrapped(text) for text in found]
    wanted = np.array([np.mean([place for place, _ in one]) for one in found.values()])
    heights = np.array([text.count("\n") + 1 for text in texts]) * SMALL * LINE / (72 * height)
    for text, ((_, colour), *_), start, place in zip(
        texts, found.values(), wanted, spread(wanted, heights), strict=True
    ):
        ax.plot([1, 1.03], [start, place], color=colour, linewidth=0.6, transform=ax.transAxes, clip_on=False)
        ax.text(
            *(1.04, place, text),
            transform=ax.transAxes,
            va="center",
            color=colour,
            fontsize=SMALL,
            linespacing=1.0,
        )


def label_width(texts: Iterable[str]) -> float:
    """Return about how wide labels are, in inches."""
    lines = [line for text in texts for line in _wrapped(text).split("\n")]
    return (max(map(len, lines), default=0) * 0.55 + 2) * SMALL / 72


def label_height(texts: Iterable[str]) -> float:
    """Return the height of labels one above another, in inches."""
    return sum(_wrapped(text).count("\n") + 1 for text in texts) * SMALL * LINE / 72


def spread(wanted: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Return places near those wanted at which boxes of given heights do not overlap, `(n,)`.

    Boxes that would overlap become one block, centred on the mean of their places. The blocks stay within 0
    to 1 where they fit.
    """
    order = np.argsort(wanted, kind="stable")
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([int(index)])
        while len(blocks) > 1 and _overlap(blocks[-2], blocks[-1], wanted, heights):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    places = np.empty(len(wanted))
    for block in blocks:
        edges = np.append(0, np.cumsum(heights[block]))
        places[block] = _bottom(block, wanted, heights) + (edges[:-1] + edges[1:]) / 2
    return places


def _overlap(lower: list[int], upper: list[int], wanted: np.ndarray, heights: np.ndarray) -> bool:
    end = _bottom(lower, wanted, heights) + float(heights[lower].sum())
    return end > _bottom(upper, wanted, heights) + 1e-9


def _bottom(block: list[int], wanted: np.ndarray, heights: np.ndarray) -> float:
    """Return the lower end of a block of boxes."""
    total = float(heights[block].sum())
    return float(np.clip(wanted[block].mean() - total / 2, 0, max(0.0, 1 - total)))


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LONGEST, break_long_words=False, break_on_hyphens=False)) or text
