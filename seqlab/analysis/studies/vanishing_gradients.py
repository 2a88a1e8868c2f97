"""Study of vanishing and exploding gradients: measured slopes and those of theory."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import OmegaConf

from seqlab.analysis.markdown import markdown
from seqlab.analysis.studies.study import Study
from seqlab.tracking import find_runs, read_rows, read_summary
from seqlab.tracking.flow_figure import draw
from seqlab.tracking.gradient_flow import Flow, flow_of


class VanishingGradients(Study):
    """Reports the gradient slopes of Elman, LSTM and GRU, in the order of the runs."""

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        runs = [read_slopes(run) for run in find_runs(sweep)]
        return draw([run.flow for run in runs], scale="log"), table(runs)


class SlopeRun(NamedTuple):
    """Gradient slopes of one run.

    Attributes:
        flow: the gradient through time, with the slope that theory predicts at the first step.
        gate: the slope of the gate alone, as in a cell whose R is 0; −inf for a cell without a gate.
        summary: the run's summary.
    """

    flow: Flow
    gate: float
    summary: Mapping[str, Any]


def read_slopes(run: Path) -> SlopeRun:
    """Read a run folder."""
    cell = OmegaConf.load(run / ".hydra" / "config.yaml").cell
    name = cell["_target_"].rpartition(".")[2]
    a, b = jacobian(name, cell)
    flow = flow_of(read_rows(run), f"{name} ρ = {b:g}" if name == "Elman" else name)
    flow = dataclasses.replace(flow, theory=slope(a, b, flow.log10_norm.shape[1]))
    return SlopeRun(flow, math.log10(a) if a else -math.inf, read_summary(run))


def jacobian(name: str, cell: Mapping[str, Any]) -> tuple[float, float]:
    """Return (a, b) of the Jacobian a I + b Q of a cell's state at its start, s = 0, Q orthogonal.

    - Elman without a squashing function, at any s: a = 0, b = ρ;
    - LSTM, of c: a = σ(b_f), b = σ(0)² ρ, the path from c through output gate, R and input gate;
    - GRU, of h: a = σ(0), b = (1 − σ(0)) σ(0) ρ.
    """
    rho = cell["recurrent_scale"]
    if name == "LSTM":
        return 1 / (1 + math.exp(-cell["forget_bias_init"])), rho / 4
    return {"Elman": (0.0, rho), "GRU": (0.5, rho / 4)}[name]


def slope(a: float, b: float, num_steps: int) -> float:
    """Return the decades gained per step back through a I + b Q, by least squares over T steps.

        ‖(aI + bQ)^k v‖² / ‖v‖² ≈ (1 / 2π) ∫ |a + b e^{iθ}|^{2k} dθ,   k = 0 … T − 1

    as the matrix is normal and the eigenvalues of a random orthogonal Q fill the unit circle evenly. It is
    log10 ρ for Elman, and log10 σ(b) for a gate whose cell has R = 0.

    Source: Diaconis & Shahshahani 1994, "On the eigenvalues of random matrices", for the eigenvalues.
    """
    steps = np.arange(num_steps)
    gains = np.abs(a + b * np.exp(2j * np.pi * np.arange(4096) / 4096))
    log10_norm = np.log10(np.mean(gains ** (2 * steps[:, None]), axis=1)) / 2
    return round(float(np.polyfit(steps, log10_norm, 1)[0]), 9)


def table(runs: Sequence[SlopeRun]) -> str:
    """Return the measured slopes and those of theory as a Markdown table."""
    first, last = runs[0].flow.steps[[0, -1]]
    metric = runs[0].summary["metric"]
    rows = []
    for flow, gate, summary in runs:
        measured, num_steps = flow.slope[[0, -1]], flow.log10_norm.shape[1]
        horizons = [f"{-2 / value:.0f}" if value * num_steps < -2 else f"> {num_steps}" for value in measured]
        rows.append(
            {
                "run": flow.title,
                "gate alone": f"{gate:+z.4f}" if gate > -math.inf else "–",
                "theory": f"{flow.theory or 0.0:+z.4f}",
                f"measured, step {first}": f"{measured[0]:+z.4f}",
                f"measured, step {last}": f"{measured[1]:+z.4f}",
                f"1 % remains after, step {first}": horizons[0],
                f"after, step {last}": horizons[1],
                f"test {metric}": f"{summary['test'][f'test/{metric}']:.4f}",
            }
        )
    return markdown(rows)
