"""Figures of runs by their kind: gradient flow, learning curves, accuracy by length, gates, hidden states."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis import by_length
from seqlab.analysis.gate_figure import draw_gates, gates_of
from seqlab.analysis.groups import group_runs
from seqlab.analysis.run_titles import run_titles
from seqlab.analysis.state_figure import draw_states, trajectories
from seqlab.analysis.sweep_figures import learning_curves
from seqlab.analysis.sweep_runs import DAMAGED, SweepRun, read_sweep, swept_keys
from seqlab.registry import near_miss
from seqlab.runs.folders import why_no_run
from seqlab.runs.trained_run import load_run
from seqlab.tracking import flow_figure, read_rows
from seqlab.tracking.figure_style import save
from seqlab.tracking.gradient_flow import flow_of
from seqlab.types import ConfigError

MOST = 24
"""The most runs that have panels of their own in one figure."""


def draw(
    folders: str | Path | Sequence[str | Path],
    kind: str = "flow",
    width: float | None = None,
    output: str | Path | None = None,
    **options: Any,
) -> Any:
    """Draw a figure of runs.

    Args:
        folders: run folders, or folders with runs below them such as a sweep's; one, or several.
        kind: flow, the gradient through time (option `scale`, of the optimiser steps: linear or log); curves,
            the validation metric by step; lengths, the deciding metric by length (options `lengths` and
            `split`); gates, the activations of gates by step; states, the principal components of hidden
            states (option `colour`: time, label or both).
        width: of the figure, in inches, such as `seqlab.tracking.figure_style.WIDTHS["column"]`; None for one
            that suits what is drawn.
        output: a file to write; its ending names the form, and beside a PNG there is an SVG too.
        options: as named above.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ConfigError: there is no run, or it has nothing of that kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"kind={kind}: legal values are {', '.join(KINDS)}{near_miss(kind, KINDS)}")
    function, legal = KINDS[kind]
    for name in options:
        if name not in legal:
            raise ConfigError(f"{name} does not apply to kind={kind}")
    figure = function(_runs(folders), width=width, **options)
    if output is not None:
        try:
            save(figure, Path(output))
        except (OSError, ValueError) as error:
            raise ConfigError(f"output={output} cannot be written: {error}") from error
    return figure


def _runs(folders: str | Path | Sequence[str | Path]) -> list[SweepRun]:
    """Return the runs in folders or below them."""
    folders = [folders] if isinstance(folders, (str, Path)) else folders
    found: list[SweepRun] = []
    for folder in folders:
        runs = [run for run in read_sweep(folder) if run.status != DAMAGED]
        if not runs:
            is_there = Path(folder).is_dir()
            reason = "holds no run that can be read" if is_there else why_no_run(Path(folder))
            raise ConfigError(f"RUN_DIR={folder} {reason}")
        found += runs
    return found


def _drawn(runs: Sequence[SweepRun], read: Callable[[SweepRun], Any], what: str) -> tuple[list[Any], Any]:
    """Return what is read of each run that has it, and the titles of these runs.

    Raises:
        ConfigError: no run has it, or too many do.
    """
    found: list[tuple[SweepRun, Any]] = []
    for run in runs:
        try:
            one = read(run)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            if isinstance(error, ConfigError):
                raise
            what = f"its rows hold other values than runs write: {error}"
        else:
            found += [(run, one)] if one else []
    if not found:
        raise ConfigError(f"RUN_DIR={runs[0].folder} cannot be drawn: {what}")
    if len(found) > MOST:
        raise ConfigError(f"{len(found)} runs do not fit in one figure: name at most {MOST} run folders")
    return [one for _, one in found], run_titles([run for run, _ in found])


def _flow(runs: Sequence[SweepRun], width: float | None, scale: str = "linear") -> Any:
    def read(run: SweepRun) -> Any:
        try:
            return flow_of(read_rows(run.folder), "")
        except ValueError:
            return None

    what = "no row holds grads/through_time/log10_norm: legal is a recurrent run with gradients=norms or full"
    flows, (titles, heading) = _drawn(runs, read, what)
    flows = [dataclasses.replace(flow, title=title) for flow, title in zip(flows, titles, strict=True)]
    return flow_figure.draw(flows, scale, width, heading)


def _curves(runs: Sequence[SweepRun], width: float | None) -> Any:
    finished = [run if run.is_finished or run.status == "diverged" else _so_far(run) for run in runs]
    figure = learning_curves(group_runs(finished, swept_keys(finished)), width)
    if figure is None:
        raise ConfigError(f"RUN_DIR={runs[0].folder} cannot be drawn: no run has an evaluation yet")
    return figure


def _so_far(run: SweepRun) -> SweepRun:
    """Return a run that has not ended as one that finished with its last evaluation, if it has one."""
    rows = read_rows(run.folder)
    evaluated = [key for row in rows for key in row if key.startswith("eval/") and key.count("/") == 1]
    scored = [key for key in evaluated if key != "eval/loss"] or evaluated
    if not scored:
        return run
    metric = scored[0].removeprefix("eval/")
    pairs = np.array([(row["step"], row[scored[0]]) for row in rows if scored[0] in row], float)
    summary = {"metric": metric, "higher_is_better": metric != "loss", **run.summary, "status": "finished"}
    overrides = {**run.overrides, "status": run.status}
    changed: dict[str, Any] = {"status": "finished", "summary": summary, "overrides": overrides}
    return dataclasses.replace(run, steps=pairs[:, 0], scores=pairs[:, 1], **changed)


def _lengths(
    runs: Sequence[SweepRun],
    width: float | None,
    lengths: Sequence[int] | None = None,
    split: str = "test",
) -> Any:
    def read(run: SweepRun) -> Any:
        trained = load_run(run.folder)
        chosen = lengths or _up_to_four_times(getattr(trained.task, "length", 0), run.folder)
        return trained.evaluate(split, chosen)

    found, (titles, heading) = _drawn(runs, read, "")
    if len(found) == 1:
        titles = [found[0].goal.metric]
    return by_length.draw(dict(zip(titles, found, strict=True)), width, heading)


def _up_to_four_times(length: int, folder: Path) -> list[int]:
    """Return about a dozen lengths from a quarter to four times that of training."""
    if not length:
        raise ConfigError(f"RUN_DIR={folder} cannot be drawn: its task has no length")
    return sorted({max(1, round(length * share)) for share in np.linspace(0.25, 4, 16)})


def _gates(runs: Sequence[SweepRun], width: float | None) -> Any:
    what = "no row holds gates/…/histogram: legal is a gated cell with gradients=norms or full"
    found, (titles, heading) = _drawn(runs, lambda run: gates_of(read_rows(run.folder)), what)
    return draw_gates(found, titles, heading, width)


def _states(runs: Sequence[SweepRun], width: float | None, colour: str = "both") -> Any:
    found, (titles, heading) = _drawn(runs, lambda run: trajectories(load_run(run.folder)), "")
    return draw_states(found, titles, heading, width, colour)


KINDS: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "flow": (_flow, ("scale",)),
    "curves": (_curves, ()),
    "lengths": (_lengths, ("lengths", "split")),
    "gates": (_gates, ()),
    "states": (_states, ("colour",)),
}
"""The function that draws each kind of figure, and its options."""
