"""Pictures of predicted classes: confusions, and accuracy by confidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqlab.runs.class_predictions import ClassPredictions
from seqlab.tracking.figure_style import styled

MOST_NAMED = 40
"""The most classes whose names and counts are written into the picture."""


@styled()
def draw_confusion(found: ClassPredictions) -> Any:
    """Draw how often each true class is predicted as each, as shares of the true class.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    counts = found.confusion().to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    K, longest = len(found.names), max(map(len, found.names))
    side = min(12.0, 2.5 + 0.45 * K)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    ax = figure.subplots()
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=ax, shrink=0.7, label="share of the true class")
    if K <= MOST_NAMED:
        ax.set_xticks(range(K), found.names, rotation=90 if longest > 3 else 0, fontsize=8)
        ax.set_yticks(range(K), found.names, fontsize=8)
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.6 else "black"
            ax.text(column, row, str(count), ha="center", va="center", fontsize=7, color=colour)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    return figure


@styled()
def draw_reliability(found: ClassPredictions) -> Any:
    """Draw accuracy over confidence above the number of predictions; a calibrated network is on the diagonal.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    bins = found.reliability()
    middle, width = (bins["above"] + bins["up_to"]) / 2, bins["up_to"] - bins["above"]
    figure = Figure(figsize=(4.6, 5), layout="constrained")
    ax, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    ax.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    ax.annotate("calibrated", (0.05, 0.09), color="grey", fontsize=8, rotation=45)
    ax.bar(middle, bins["accuracy"], width, color="#9ecae1", edgecolor="white")
    ax.plot(bins["confidence"], bins["accuracy"], "o", markersize=4, color="#08519c")
    ax.set_ylabel("accuracy")
    ax.set_title(f"expected calibration error {found.calibration.error:.3f}")
    below.bar(middle, bins["count"], width, color="0.6", edgecolor="white")
    below.set_ylabel("predictions")
    below.set_xlabel("confidence")
    below.set_xlim(0, 1)
    return figure
