"""Specification of a W&B workspace for the runs of seqlab: sections, panels, grouping of runs.

It is built without a network and without a login; `Workspace.save` needs both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from seqlab.registry import require_extras

NAME = "seqlab"
"""The name of the workspace."""

METRICS = ("accuracy", "mse", "bits_per_character")
"""The metrics of tasks that have a panel each by default."""

TEST_SCORE, BEST_SCORE = "score/test", "score/best"
"""The keys of W&B's summary for the deciding metric of any task, at the test and the best evaluation."""

GROUPED = ("cell.name", "architecture.name", "task.name")
"""The config keys by which runs are grouped."""

SWEPT = (*GROUPED, "optimizer.learning_rate", "cell.features", "seed")
"""The config keys that have an axis in the parallel coordinates."""

FLOW_IMAGE = "gradient_flow/image"
SWEEP_IMAGES = ("sweep/learning_curves", "sweep/parallel_coordinates", "sweep/gradient_slope")


class Lines(NamedTuple):
    """A panel of curves over the optimiser step.

    Attributes:
        title: of the panel.
        keys: the keys of a row.
        log: whether the axis of the values is logarithmic.
    """

    title: str
    keys: tuple[str, ...]
    log: bool = False


_PATH = "grads/through_time"

GRADIENTS = (
    Lines("gradient norm, before and after clipping", ("grads/norm", "grads/norm_clipped"), log=True),
    Lines("share of clipped steps", ("grads/clipped",)),
    Lines("elements that are not finite", ("grads/nonfinite",)),
    Lines("update / parameter", ("updates/ratio",), log=True),
    Lines("parameter norm", ("params/norm",)),
)
THROUGH_TIME = (
    Lines("slope: decades a step back (below 0: vanishing)", (f"{_PATH}/slope",)),
    Lines("horizon: steps until 1 % remains", (f"{_PATH}/horizon",), log=True),
    Lines("histogram of log10 of the gradient norm over t", (f"{_PATH}/log10_norm",)),
    Lines("spectral radius of the recurrent matrix", ("recurrent/spectral_radius",)),
    Lines(
        "largest Lyapunov exponents (above 0: exploding)", ("recurrent/lyapunov/1", "recurrent/lyapunov/2")
    ),
)
GATES = (
    Lines("mean: LSTM", ("gates/forget/mean", "gates/input/mean", "gates/output/mean")),
    Lines("mean: GRU", ("gates/update/mean", "gates/reset/mean")),
    Lines("shares of closed and of open forget gates", ("gates/forget/closed", "gates/forget/open")),
    Lines("shares of closed and of open update gates", ("gates/update/closed", "gates/update/open")),
    Lines("memory in steps", ("gates/forget/memory_steps", "gates/update/memory_steps"), log=True),
    Lines("histogram of the forget gate", ("gates/forget/histogram",)),
)


def learning(metrics: Sequence[str]) -> tuple[Lines, ...]:
    """Return the panels of the loss, of metrics and of the speed."""
    return (
        Lines("loss", ("train/loss", "eval/loss"), log=True),
        *(Lines(metric, (f"train/{metric}", f"eval/{metric}")) for metric in metrics),
        Lines("optimiser steps per second", ("timing/steps_per_second",)),
    )


def workspace(entity: str, project: str, metrics: Sequence[str] = METRICS) -> Any:
    """Return a `wandb_workspaces.workspaces.Workspace` with the sections learning to sweep.

    Args:
        entity: the W&B team or user.
        project: the project.
        metrics: the metrics of tasks that get a panel each.

    Raises:
        ConfigError: wandb-workspaces is not installed.
    """
    require_extras(("wandb_workspaces",), "dashboard")
    import wandb_workspaces.reports.v2 as wr
    import wandb_workspaces.workspaces as ws

    through_time: list[Any] = [
        wr.MediaBrowser(title="gradient through time", media_keys=[FLOW_IMAGE], num_columns=2)
    ]
    sections = {
        "learning": _lines(learning(metrics)),
        "gradients": _lines(GRADIENTS),
        "through time": through_time + _lines(THROUGH_TIME),
        "gates": _lines(GATES),
        "sweep": _sweep_panels(),
    }
    return ws.Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=[ws.Section(name=name, panels=panels, is_open=True) for name, panels in sections.items()],
        settings=ws.WorkspaceSettings(x_axis="step"),
        runset_settings=ws.RunsetSettings(groupby=[ws.Config(key) for key in GROUPED]),
    )


def _lines(panels: Sequence[Lines]) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr

    return [
        wr.LinePlot(title=panel.title, x="step", y=list(panel.keys), log_y=panel.log or None)
        for panel in panels
    ]


def _sweep_panels() -> list[Any]:
    """Return parallel coordinates, a heat map of cell × task, bars of each cell, and the sweep's figures."""
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces.reports.v2.interface import GradientPoint, ParallelCoordinatesPlotColumn

    score = wr.SummaryMetric(TEST_SCORE)
    columns: list[Any] = [wr.Config(key) for key in SWEPT]
    return [
        wr.ParallelCoordinatesPlot(
            title="swept values and test score",
            columns=[ParallelCoordinatesPlotColumn(metric=column) for column in (*columns, score)],
        ),
        wr.ScatterPlot(
            title="heat map: test score of cell × task",
            x=wr.Config("cell.name"),
            y=wr.Config("task.name"),
            z=score,
            gradient=[
                GradientPoint(color="#440154", offset=0),
                GradientPoint(color="#21918c", offset=50),
                GradientPoint(color="#fde725", offset=100),
            ],
        ),
        wr.BarPlot(title="test score by cell", metrics=[score], groupby=wr.Config("cell.name")),
        wr.MediaBrowser(title="figures of the sweep", media_keys=list(SWEEP_IMAGES)),
    ]


def specification(made: Any) -> dict[str, Any]:
    """Return a workspace as the plain data that W&B stores.

    The attribute is private. The alternative is to save the workspace and to read it back from the server;
    `tests/tracking/test_dashboard.py` fails loudly where it changes.
    """
    return getattr(made, "_spec")  # noqa: B009
