"""Figure of the atlas: matrices of models and problems as small multiples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.atlas.families import family_of, in_order
from seqlab.tracking.figure_style import SMALL, styled

CELL, LEFT, TOP = 0.2, 1.35, 1.5
"""The side of a field, and the room for the names of models and of problems, in inches."""

NARROWEST = 2.1
"""The width of a matrix with few problems, in inches, which its title needs."""


class Panel(NamedTuple):
    """A matrix.

    Attributes:
        title: its title.
        key: the column of an entry.
        ends: the values of the first and the last colour; None for those of the entries.
        words: what these colours mean.
    """

    title: str
    key: str
    ends: tuple[float, float] | None
    words: tuple[str, str]


PANELS = (
    Panel("learnt at trained lengths", "skill", (0, 1), ("baseline", "solved")),
    Panel("kept at longer sequences", "beyond_skill", (0, 1), ("baseline", "solved")),
    Panel("gradient reach after learning", "reach_after", None, ("0 steps", "{:.0f} steps")),
)


@styled()
def matrices(lines: Sequence[Mapping[str, Any]]) -> Any:
    """Draw a matrix for each of `PANELS`, with lines between families of models and of problems.

    Args:
        lines: the rows of `seqlab.analysis.atlas.entries.entries`.
    """
    from matplotlib.figure import Figure

    models = in_order([line["model"] for line in lines], "models")
    problems = in_order([line["problem"] for line in lines], "problems")
    width, height = max(CELL * len(problems), NARROWEST), CELL * len(models)
    size = LEFT + len(PANELS) * (width + 0.25), TOP + height + 0.55
    figure = Figure(figsize=size)
    for place, panel in enumerate(PANELS):
        left = (LEFT + place * (width + 0.25)) / size[0]
        ax = figure.add_axes((left, 0.55 / size[1], width / size[0], height / size[1]))
        image = _matrix(ax, panel, lines, models, problems)
        ax.set_yticks(range(len(models)), models if place == 0 else [""] * len(models))
        bar = figure.add_axes((left, 0.3 / size[1], width / size[0], 0.07 / size[1]))
        scale = figure.colorbar(image, cax=bar, orientation="horizontal")
        low, high = image.get_clim()
        scale.set_ticks([low, high], labels=[word.format(high) for word in panel.words])
        for label, side in zip(bar.get_xticklabels(), ("left", "right"), strict=True):
            label.set_horizontalalignment(side)
    return figure


def _matrix(
    ax: Any, panel: Panel, lines: Sequence[Mapping[str, Any]], models: list[str], problems: list[str]
) -> Any:
    """Draw one matrix; entries without a value are hatched."""
    values = np.full((len(models), len(problems)), np.nan)
    for line in lines:
        if (value := line[panel.key]) is not None:
            values[models.index(line["model"]), problems.index(line["problem"])] = value
    highest = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    low, high = panel.ends or (0, highest or 1.0)
    ax.set_facecolor("#dddddd")
    image = ax.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto")
    ax.set_title(panel.title, loc="left")
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(problems)), problems, rotation=90)
    ax.tick_params(length=0, labelsize=SMALL)
    ax.spines[:].set_visible(False)
    for names, kind, draw in ((models, "models", ax.axhline), (problems, "problems", ax.axvline)):
        for place in range(1, len(names)):
            if family_of(names[place], kind) != family_of(names[place - 1], kind):
                draw(place - 0.5, color="white", linewidth=1.6)
    return image
