"""W&B's media: histograms, and the gradient's flow as a table and as an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqlab.tracking.chart_values import Histogram
from seqlab.tracking.flow_pictures import Picture
from seqlab.tracking.gradient_flow import Flow
from seqlab.tracking.wandb_internals import fill_table

IMAGE = "gradient_flow/image"
"""The key of the picture of the gradient's flow, a `wandb.Image`."""


def histogram(found: Histogram) -> Any:
    """Return a `wandb.Histogram`."""
    import wandb

    return wandb.Histogram(np_histogram=(found.counts.tolist(), found.edges))


def flow_media(picture: Picture) -> dict[str, Any]:
    """Return `gradient_flow/table` and `gradient_flow/image` of a picture."""
    import wandb

    return {"gradient_flow/table": _table(picture.flow), IMAGE: wandb.Image(picture.pixels)}


def _table(flow: Flow) -> Any:
    """Return one row per step and t (from 1): log10 ‖∂L/∂h_t‖, or None where that is not finite."""
    import wandb

    entries = [
        [int(step), int(t), float(value) if np.isfinite(value) else None]
        for step, line in zip(flow.steps, flow.log10_norm, strict=True)
        for t, value in zip(flow.times, line, strict=True)
    ]
    return fill_table(wandb.Table(columns=["step", "t", "log10_norm"], dtype=[int, int, float]), entries)
