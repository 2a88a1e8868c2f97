"""Figure of dynamics: trajectories with fixed points, eigenvalues, and the Lyapunov spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqlab.analysis.dynamics.fixed_points import FixedPoints
from seqlab.analysis.dynamics.network_map import Visited
from seqlab.analysis.principal_axes import PrincipalAxes
from seqlab.tracking.figure_style import GREY, PALETTE, SMALL, TEXT, styled

LOOKS = {
    "stable": (PALETTE[0], "o"),
    "saddle": (PALETTE[1], "X"),
    "unstable": (PALETTE[3], "^"),
}
"""The colour and the marker of each stability."""

NARROW = 5.0
"""At this width in inches, and below, the panels stand in one column."""

MOST_LINES = 24
"""The most trajectories that are drawn."""


@styled()
def draw_dynamics(
    points: FixedPoints,
    visited: Visited,
    axes: PrincipalAxes,
    lyapunov: np.ndarray,
    title: str,
    width: float | None = None,
) -> Any:
    """Draw the planes of the principal components 1 and 2, and 3 and 2, the eigenvalues and the exponents.

    Slow points are hollow. A line through a point that is not stable shows its most unstable direction.

    Args:
        points: the fixed and slow points.
        visited: the trajectories.
        axes: the principal axes of the visited states.
        lyapunov: the Lyapunov spectrum.
        title: what the figure is about.
        width: of the figure, in inches.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    width = width or 7.0
    columns = 2 if width > NARROW else 1
    height = 0.9 * (4 / columns) * width / columns + 0.3
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=TEXT + 1)
    first, second, below, beside = figure.subplots(4 // columns, columns).ravel()
    for ax, components in ((first, (0, 1)), (second, (2, 1))):
        _plane(ax, points, visited, axes, components)
    handles, labels = first.get_legend_handles_labels()
    if handles:
        beside_each_other = int(width / 1.1)
        figure.legend(handles, labels, loc="outside lower left", ncols=beside_each_other, handletextpad=0.3)
    _eigenvalues(below, points)
    _spectrum(beside, lyapunov)
    return figure


def _plane(
    ax: Any, points: FixedPoints, visited: Visited, axes: PrincipalAxes, components: tuple[int, int]
) -> None:
    chosen, shares = list(components), axes.explained(3)
    places = axes.project(visited.states, 3)[..., chosen]
    for row in range(min(MOST_LINES, places.shape[1])):
        ax.plot(*places[visited.real[:, row], row].T, color="0.75", linewidth=0.5, zorder=1)
    limits = [_widened(places[visited.real][:, side]) for side in (0, 1)]
    spots = axes.project(points.states, 3)[:, chosen]
    kinds = np.array(points.kinds)
    for kind, (colour, marker) in LOOKS.items():
        for fixed in (True, False):
            of_kind = (kinds == kind) & (points.fixed == fixed) if len(points) else np.zeros(0, bool)
            if of_kind.any():
                face = colour if fixed else "none"
                label = f"{of_kind.sum()} {kind}{'' if fixed else ', slow'}"
                ax.scatter(
                    *spots[of_kind].T,
                    s=26,
                    marker=marker,
                    facecolor=face,
                    edgecolor=colour,
                    label=label,
                    zorder=4,
                )
    _unstable_directions(ax, points, axes, chosen, limits)
    ax.set(xlim=limits[0], ylim=limits[1])
    for axis, component in zip((ax.xaxis, ax.yaxis), components, strict=True):
        axis.set_label_text(f"PC {component + 1} ({shares[component]:.0%} of variance)")
    ax.locator_params(nbins=4)


def _widened(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.12 * (high - low) or 1.0
    return low - margin, high + margin


def _unstable_directions(
    ax: Any, points: FixedPoints, axes: PrincipalAxes, chosen: list[int], limits: list[tuple[float, float]]
) -> None:
    """Draw a line along the eigenvector whose eigenvalue has the largest modulus, where it is above 1."""
    size = 0.07 * min(high - low for low, high in limits)
    for index in np.flatnonzero(points.num_unstable):
        values, vectors = np.linalg.eig(points.jacobians[index])
        vector = np.real(vectors[:, np.argmax(np.abs(values))])
        direction = axes.along(vector, 3)[chosen] / max(float(np.linalg.norm(vector)), 1e-30)
        place = axes.project(points.states[index], 3)[chosen]
        line = np.stack([place - size * direction, place + size * direction])
        ax.plot(*line.T, color=LOOKS[points.kinds[index]][0], linewidth=1.0, zorder=3)


def _eigenvalues(ax: Any, points: FixedPoints) -> None:
    angles = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(angles), np.sin(angles), color=GREY, linewidth=0.8, zorder=1)
    for kind, (colour, _) in LOOKS.items():
        values = points.eigenvalues[[one == kind for one in points.kinds]].ravel()
        ax.scatter(
            np.real(values), np.imag(values), s=7, color=colour, linewidth=0, zorder=2, rasterized=True
        )
    ax.set(xlabel="Re λ", ylabel="Im λ", aspect="equal")
    ax.set_title("eigenvalues of ∂F/∂s at the points", loc="left")
    ax.locator_params(nbins=5)


def _spectrum(ax: Any, lyapunov: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    finite = np.isfinite(lyapunov)
    places = np.arange(1, len(lyapunov) + 1)
    ax.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    ax.plot(places[finite], lyapunov[finite], color=PALETTE[0], marker="." if finite.sum() < 40 else "")
    ax.set(xlabel="number of the exponent", ylabel="nats a step")
    ax.set_title("Lyapunov spectrum", loc="left")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if not finite.all():
        ax.text(
            1,
            1,
            f"−∞: {int((~finite).sum())} of {len(lyapunov)}",
            ha="right",
            va="top",
            transform=ax.transAxes,
            fontsize=SMALL,
            color=GREY,
        )
