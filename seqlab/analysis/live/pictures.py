"""Pictures of one followed run: its curves, and the heat map of its gradient through time."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from seqlab.analysis.live.characters import COLOURS, Curve, draw_curve, draw_heat_map, scale_of_heat_map
from seqlab.analysis.live.followed import Followed
from seqlab.tracking.gradient_flow import colour_range, flow_of

WIDE = 100
"""The width in characters from which three pictures stand side by side."""

HEIGHT = 10
"""The lines of a picture, with its title and its axis."""

_GAP = 2

_STYLES = {"vanishes": f"bold {COLOURS[1]}", "explodes": f"bold {COLOURS[-2]}"}
"""The style of what the gradient does, if not bold alone."""


def draw_pictures(run: Followed, screen: Console) -> RenderableType:
    """Return the curves of a run's score and loss, and the heat map where its rows have the gradient.

    A narrow screen shows two of them: the score, and the heat map or the loss.
    """
    last = run.total or 1
    curves = [
        Curve(f"validation {run.goal.metric}", *run.scores, run.reference, last),
        Curve("training loss", *run.losses, {}, last),
    ]
    count = 3 if screen.width >= WIDE else 2
    width = (screen.width - _GAP * (count - 1)) // count
    pictures = [draw_curve(curve, width, HEIGHT) for curve in curves[: count - bool(run.flow)]]
    has_colours = screen.color_system in ("256", "truecolor") and not screen.no_color
    if run.flow:
        pictures.append(_heat_map(run, width, has_colours))
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for _ in pictures:
        grid.add_column(width=width, no_wrap=True, overflow="crop")
    grid.add_row(*pictures)
    return grid


def _heat_map(run: Followed, width: int, colours: bool) -> Text:
    """Return the heat map of the decades that the gradient gained since the last t, with axis and legend."""
    flow = flow_of(run.flow, "")
    decades = flow.relative
    reach = colour_range([flow])
    word, _ = flow.verdict(-1)
    text = Text("gradient through time ", style="bold")
    text.append(word, style=_STYLES.get(word, "bold"))
    lines = HEIGHT - 2
    labels = ["t 1", *[""] * (lines - 2), f"t {len(flow.times)}"]
    margin = max(map(len, labels))
    drawn = draw_heat_map(decades, width - margin - 1, lines, reach, colours).split("\n")
    for label, line in zip(labels, drawn, strict=True):
        text.append(f"\n{label:>{margin}} ", style="not bold").append_text(line)
    scale, steps = scale_of_heat_map(reach, colours), f", steps {flow.steps[0]} to {flow.steps[-1]}"
    if margin + 1 + len(scale) + len(steps) <= width:
        scale.append(steps)
    return text.append("\n" + " " * (margin + 1), style="not bold").append_text(scale)
