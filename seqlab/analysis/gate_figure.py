"""Figure of gates: how their activations are distributed, over the optimiser step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.tracking.figure_style import PALETTE, SMALL, TEXT, styled

HISTOGRAM, MEAN = "histogram", "mean"


class Gate(NamedTuple):
    """One gate of the top layer of a run.

    Attributes:
        name: of the gate, such as `forget`.
        steps: the optimiser steps of the rows, `(N,)`.
        shares: the share of activations in each of equal bins over [0, 1], `(N, bins)`.
        mean: the mean activation, `(N,)`.
    """

    name: str
    steps: np.ndarray
    shares: np.ndarray
    mean: np.ndarray


def gates_of(rows: Sequence[Mapping[str, Any]]) -> list[Gate]:
    """Return the gates of the top layer that rows contain, each as `gates/<name>/histogram`."""
    keys = [key for row in rows for key in row if key.startswith("gates/") and key.count("/") == 2]
    names = dict.fromkeys(key.split("/")[1] for key in keys if key.endswith(f"/{HISTOGRAM}"))
    return [_gate(rows, name) for name in names]


def _gate(rows: Sequence[Mapping[str, Any]], name: str) -> Gate:
    key = f"gates/{name}/{HISTOGRAM}"
    found = [row for row in rows if key in row]
    counts = np.array([row[key] for row in found], float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mean = [row.get(f"gates/{name}/{MEAN}", np.nan) for row in found]
    return Gate(name, np.array([row["step"] for row in found], float), shares, np.array(mean, float))


@styled()
def draw_gates(
    runs: Sequence[Sequence[Gate]], titles: Sequence[str], heading: str, width: float | None = None
) -> Any:
    """Draw a row of panels per run and a panel per gate: darker where more activations are; a line: the mean.

    Args:
        runs: the gates of each run, at least one run.
        titles: what tells each run from the others.
        heading: what the runs have in common.
        width: of the figure, in inches.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    columns = max(map(len, runs))
    size = width or 2.3 * columns + 0.6, 1.75 * len(runs) + 0.5
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=TEXT + 1)
    axes = figure.subplots(len(runs), columns, squeeze=False, sharey=True)
    for number, (gates, line) in enumerate(zip(runs, axes, strict=True)):
        for ax in line[len(gates) :]:
            ax.set_axis_off()
        for gate, ax in zip(gates, line, strict=False):
            _fill(ax, gate)
            if number + 1 == len(runs):
                ax.set_xlabel("optimiser step")
        line[0].set_ylabel("|h|, 1 saturated" if gates[0].name == "state" else "0 closed    1 open")
        if titles[number]:
            line[0].annotate(
                titles[number],
                (0, 1),
                (0, 27),
                xycoords="axes fraction",
                textcoords="offset points",
                fontsize=TEXT,
            )
    return figure


def _fill(ax: Any, gate: Gate) -> None:
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import EngFormatter, MaxNLocator

    bins = np.linspace(0, 1, gate.shares.shape[1] + 1)
    edges = np.append(gate.steps, gate.steps[-1] + (np.diff(gate.steps[-2:]).sum() or 1))
    ax.pcolormesh(edges, bins, gate.shares.T, cmap="Greys", norm=PowerNorm(0.5, 0, 1), rasterized=True)
    one = len(gate.steps) == 1
    ax.plot((edges[:-1] + edges[1:]) / 2, gate.mean, color=PALETTE[1], marker="o" if one else "")
    ax.set(ylim=(0, 1), xlim=(edges[0], edges[-1]), yticks=[0, 0.5, 1])
    ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.set_title(gate.name, loc="left", pad=SMALL + 6)
    said = f"mean {gate.mean[0]:.2f} → {gate.mean[-1]:.2f}"
    above = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": SMALL}
    ax.annotate(said, (0, 1), (0, 3), color=PALETTE[1], **above)
