"""Style of every figure: sizes of text, colours, widths in a paper, and the files that a figure becomes."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from seqlab.types import ConfigError

WIDTHS = {"column": 3.4, "page": 7.0}
"""The widths of a column and of a page of a paper, in inches."""

NARROWEST, WIDEST = 2.0, 40.0
"""The widths that a figure may have, in inches."""

TEXT, SMALL = 8.0, 7.0
"""The sizes of text, in points: of labels, and of ticks and what stands inside the axes."""

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f6000", "#4d4d4d")
"""Colours that colour-blind readers tell apart. Source: Okabe & Ito 2008, "Color universal design"."""

GREY = "#666666"
"""The colour of lines and words that are not data."""

_RC: Any = {
    "font.size": TEXT,
    "axes.titlesize": TEXT + 1,
    "axes.labelsize": TEXT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 5),
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "figure.dpi": 160,
    "savefig.dpi": 160,
    "svg.fonttype": "none",  # text stays text, which can be searched and edited
    "svg.hashsalt": "seqlab",  # equal figures are equal files
}


@contextlib.contextmanager
def styled() -> Generator[None]:
    """Let matplotlib draw in this style; its own settings stay as they are."""
    from matplotlib import rc_context  # imported here because it takes half a second

    with rc_context(_RC):
        yield


def colours(count: int) -> list[Any]:
    """Return that many colours: those of `PALETTE`, or for more a map whose neighbours differ."""
    from matplotlib import colormaps

    if count <= len(PALETTE):
        return list(PALETTE[:count])
    if count <= 20:
        return [colormaps["tab20"](index) for index in range(count)]
    return [colormaps["turbo"](index / (count - 1)) for index in range(count)]


def read_width(text: str) -> float:
    """Return a width in inches, which is given as a number or as one of `WIDTHS`.

    Raises:
        ConfigError: it is neither, or too small or too large.
    """
    try:
        width = WIDTHS.get(text) or float(text)
    except ValueError:
        width = 0.0
    if not NARROWEST <= width <= WIDEST:
        legal = f"{', '.join(WIDTHS)}, or inches from {NARROWEST:g} to {WIDEST:g}"
        raise ConfigError(f"width={text}: legal values are {legal}")
    return width


def save(figure: Any, path: Path) -> list[Path]:
    """Write a figure, by the ending of its file; beside a PNG also as SVG.

    Returns:
        The files.

    Raises:
        OSError: a file cannot be written.
        ValueError: the ending is that of no picture.
    """
    paths = [path, path.with_suffix(".svg")] if path.suffix == ".png" else [path]
    with styled():
        for one in paths:
            figure.savefig(one, **({"metadata": {"Date": None}} if one.suffix == ".svg" else {}))
    return paths


def pixels(figure: Any) -> Any:
    """Return a figure as an array, uint8 `(height, width, 4)`."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with styled():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())
