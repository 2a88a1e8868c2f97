"""Figure of hidden states over time: their first two principal components, coloured by time or label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from seqlab.analysis.principal_axes import principal_axes
from seqlab.runs.states import states
from seqlab.runs.trained_run import TrainedRun
from seqlab.tracking.figure_style import GREY, SMALL, TEXT, colours, styled
from seqlab.types import ConfigError

COLOURS = ("both", "time", "label")
"""What colours the states."""

MAX_LINES = 6
"""The most sequences whose states are joined by a line."""

MAX_CLASSES = 8
"""The most labels that have a colour each; more are places on a scale."""


class Trajectories(NamedTuple):
    """Hidden states of the top layer in the plane in which they vary most.

    Attributes:
        places: the principal components 1 and 2, `(B, T, 2)`.
        real: bool `(B, T)`, False after the end of a sequence.
        labels: the targets, `(B,)` or `(B, T)`; None where they have no such form.
        explained: the shares of the variance that the two components explain.
    """

    places: np.ndarray
    real: np.ndarray
    labels: np.ndarray | None
    explained: tuple[float, float]


def trajectories(run: TrainedRun, examples: int = 64) -> Trajectories:
    """Return the states of a run on examples of the validation split.

    Raises:
        ConfigError: the network has no recurrence, or the data of the run are not there.
    """
    task, network = run.task, run.network
    batch = task.evaluation_batch(jnp.int32(0), examples, "validation", network.framing, task.data)
    layers = states(network, run.params, batch)
    top = layers[max((name for name in layers if "/" not in name), key=lambda name: int(name[6:]))]
    places, explained = principal_components(top.hidden, top.real)
    targets = np.asarray(batch.targets)
    return Trajectories(places, top.real, _labels(targets, *top.real.shape), explained)


def principal_components(hidden: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the first two principal components of states, and the shares of the variance they explain.

    Args:
        hidden: h_t, `(B, T, H)`.
        real: bool `(B, T)`, the steps that count.
    """
    axes = principal_axes(hidden[real])
    first, second = axes.explained(2)
    return axes.project(hidden, 2), (first, second)


def _labels(targets: np.ndarray, num_sequences: int, num_steps: int) -> np.ndarray | None:
    if not np.issubdtype(targets.dtype, np.integer):
        targets = targets[..., 0] if targets.ndim > 1 else targets
    fits = targets.shape in ((num_sequences,), (num_sequences, num_steps))
    return targets if fits else None


@styled()
def draw_states(
    found: Sequence[Trajectories],
    titles: Sequence[str],
    heading: str,
    width: float | None = None,
    colour: str = "both",
) -> Any:
    """Draw a row of panels per run: a step of a sequence is a point, and lines join the steps of a few.

    Args:
        found: the states of each run.
        titles: what tells each run from the others.
        heading: what the runs have in common.
        width: of the figure, in inches.
        colour: "time", "label", or "both" in two panels; states without labels show the time alone.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ConfigError: `colour` is none of these, or there are no labels.
    """
    from matplotlib.figure import Figure

    if colour not in COLOURS:
        raise ConfigError(f"colour={colour}: legal values are {', '.join(COLOURS)}")
    labelled = all(one.labels is not None for one in found)
    if colour == "label" and not labelled:
        raise ConfigError("colour=label does not apply: the targets are no label of a sequence or a step")
    shown = [one for one in ("time", "label") if colour in (one, "both") and (labelled or one == "time")]
    columns = len(shown)
    width = width or 3.6 * columns
    panel = width / columns * 0.78
    figure = Figure(figsize=(width, 0.4 + len(found) * (panel + 0.25)), layout="constrained")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=TEXT + 1)
    axes = figure.subplots(len(found), columns, squeeze=False)
    for one, title, line in zip(found, titles, axes, strict=True):
        for by, ax in zip(shown, line, strict=True):
            said = {"time": "colour: time t", "label": "colour: target"}[by]
            ax.set_title(", ".join(filter(None, [title if ax is line[0] else "", said])), loc="left")
            (_by_time if by == "time" else _by_label)(figure, ax, one)
            for axis, share, number in zip((ax.xaxis, ax.yaxis), one.explained, (1, 2), strict=True):
                axis.set_label_text(f"PC {number} ({share:.0%} of variance)")
            ax.locator_params(nbins=4)
    return figure


def _lines(ax: Any, found: Trajectories) -> None:
    for places, real in zip(found.places[:MAX_LINES], found.real, strict=False):
        ax.plot(*places[real].T, color="0.7", linewidth=0.5, zorder=1)


def _by_time(figure: Any, ax: Any, found: Trajectories) -> None:
    _lines(ax, found)
    times = np.broadcast_to(np.arange(1, found.real.shape[1] + 1), found.real.shape)[found.real]
    points = ax.scatter(*found.places[found.real].T, c=times, cmap="viridis", s=5, **_POINTS)
    bar = figure.colorbar(points, ax=ax, label="t", shrink=0.8, pad=0.02)
    bar.ax.yaxis.get_major_locator().set_params(integer=True)


def _by_label(figure: Any, ax: Any, found: Trajectories) -> None:
    """Draw the states that have a target; where each sequence has one, its last state is large."""
    _lines(ax, found)
    labels, real = np.asarray(found.labels), found.real
    if labels.ndim == 1:
        last = real.sum(axis=1) - 1
        places, values, size = found.places[np.arange(len(last)), last], labels, 22
        ax.text(0.99, 0.01, "points: last step", **_CORNER, transform=ax.transAxes)
    else:
        places, values, size = found.places[real], labels[real], 5
    distinct = np.unique(values)
    if len(distinct) > MAX_CLASSES or not np.issubdtype(values.dtype, np.integer):
        points = ax.scatter(*places.T, c=values, cmap="plasma", s=size, **_POINTS)
        figure.colorbar(points, ax=ax, label="target", shrink=0.8, pad=0.02)
        return
    for value, colour in zip(distinct, colours(len(distinct)), strict=True):
        of_class = places[values == value]
        ax.scatter(*of_class.T, color=colour, s=size, label=str(value), **_POINTS)
    ax.legend(title="target", loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0, borderpad=0.2)


_POINTS: dict[str, Any] = {"linewidth": 0, "zorder": 2, "rasterized": True}
_CORNER = {"ha": "right", "va": "bottom", "fontsize": SMALL, "color": GREY}
