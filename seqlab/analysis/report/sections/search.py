"""Section on a search: Optuna's figures of its study."""

from __future__ import annotations

import collections
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqlab.analysis.report.entries import Entries
from seqlab.analysis.report.parts import Cell, Chart, Section, Table
from seqlab.runs.study import ENDS, noted_study


def search(entries: Entries, paths: Sequence[Path]) -> Section | None:
    """Return the section on the search of a sweep; None for runs of no search."""
    study = noted_study(paths[0]) if len(paths) == 1 else None
    if study is None:
        return None
    charts = [chart for index in range(len(study.directions)) for chart in _charts(study, index)]
    if len(study.directions) > 1:
        charts += _chart(
            "Pareto front",
            "A point for each trial; no trial is better in all objectives than one of the front.",
            _drawing("plot_pareto_front", study),
        )
    charts += _chart(
        "Evaluations of the trials",
        "A line for each trial, through its evaluations; the line of a pruned trial ends early.",
        _drawing("plot_intermediate_values", study),
    )
    says = "How the runs ended, and Optuna's figures of the study."
    return Section("search", "Search", [_ends(entries), *charts], says)


def _ends(entries: Entries) -> Table:
    """Return how many runs ended how."""
    counts = dict.fromkeys(ENDS, 0) | collections.Counter(entry.run.status for entry in entries.runs)
    rows = [[Cell(status), Cell(f"{count:,}", count)] for status, count in counts.items()]
    return Table("Trials", ["status", "trials"], rows)


def _charts(study: Any, index: int) -> list[Chart]:
    """Return the charts of an objective, given by its index."""
    several = len(study.directions) > 1
    names = study.metric_names or [f"objective {one}" for one in range(len(study.directions))]
    of = f" of {names[index]}" if several else ""

    def target(trial: Any) -> float:
        return trial.values[index]

    def cost(trial: Any) -> float:
        return trial.values[index] * (-1 if study.directions[index].name == "MAXIMIZE" else 1)

    # without a target, the importances heed the direction of the only objective; with one, low is good
    name = {"target_name": names[index]}
    further: dict[str, Any] = {**name, **({"target": target} if several else {})}
    costs: dict[str, Any] = {**name, **({"target": cost} if several else {})}
    return [
        *_chart(
            f"Optimisation history{of}",
            "A point for each trial, and the best value so far.",
            _drawing("plot_optimization_history", study, **further),
        ),
        *_chart(
            f"Importance of the parameters{of}",
            "The share of the variance of the objective that each parameter explains.",
            _drawing("plot_param_importances", study, **costs),
        ),
        *_chart(
            f"Parallel coordinates{of}",
            "A line for each trial, through the values of its parameters to the objective.",
            _drawing("plot_parallel_coordinate", study, **further),
        ),
    ]


def _drawing(name: str, study: Any, **arguments: Any) -> Callable[[], Any]:
    """Return a call of a function of `optuna.visualization`."""

    def draw() -> Any:
        import optuna.visualization

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the importances are those of low values
            return getattr(optuna.visualization, name)(study, **arguments)

    return draw


def _chart(title: str, says: str, draw: Callable[[], Any]) -> list[Chart]:
    """Return a chart; none where there are too few trials for it."""
    try:
        figure = json.loads(draw().to_json())
    except (ValueError, RuntimeError, ImportError):
        return []
    layout = {key: value for key, value in figure["layout"].items() if key not in ("template", "title")}
    return [Chart(title, says, figure["data"], layout, wide=True)] if figure["data"] else []
