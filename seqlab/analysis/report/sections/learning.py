"""Learning curves: the deciding metric on validation, the training loss, and the gradient's norm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from seqlab.analysis.panels import spans_decades
from seqlab.analysis.report.curves import curve_chart, lasting, members_of, reference, references
from seqlab.analysis.report.entries import Entries, Panel
from seqlab.analysis.report.parts import Chart, Section
from seqlab.tracking.lines import number

BAND = "Line: median of the runs; band: their middle half. A cross marks a run that diverged."


def learning(entries: Entries) -> Section | None:
    """Return the curves of each task and architecture."""
    charts = [chart for name in entries.panels for chart in _charts(entries, name)]
    says = "" if entries.single else BAND
    if entries.left_out:
        says += f" {entries.left_out} groups with worse validation scores are not drawn."
    return Section("learning", "Learning", charts, says) if charts else None


def _charts(entries: Entries, name: str) -> Iterable[Chart]:
    panel = entries.panels[name]
    metric = next((e.summary["metric"] for e in members_of(panel) if "metric" in e.summary), None)
    if metric is not None and (chart := _validation(entries, name, metric)):
        yield chart
    says = "loss of the training batches over the steps"
    if chart := curve_chart(entries, name, "train/loss", "Training loss", says):
        yield chart
    if chart := curve_chart(
        entries,
        name,
        "grads/norm",
        "Gradient norm before clipping",
        "global norm of the gradient over the steps, before clipping",
        log=True,
    ):
        yield chart


def _validation(entries: Entries, name: str, metric: str) -> Chart | None:
    """Return the curves of the deciding metric, with the baseline and the threshold."""
    key, panel = f"eval/{metric}", entries.panels[name]
    lines = list(_lines(panel))
    drawn = [e.series(key)[1] for members in panel.values() for e in lasting(members)]
    values = np.concatenate([*drawn, [line["value"] for line in lines]])
    rises = any(e.run.higher_is_better for e in members_of(panel))
    log = not rises and spans_decades(values)
    better = "higher is better" if rises else "lower is better"
    told = ", ".join(line["text"] for line in lines)
    says = f"the deciding metric on the validation split over the steps; {better}" + (
        f"; {told}" if told else ""
    )
    return curve_chart(
        entries, name, key, f"Validation {metric}", says, log=log, layout=references(lines, log)
    )


def _lines(panel: Panel) -> Iterable[dict[str, Any]]:
    """Yield the baseline and the threshold on which the runs of a panel agree."""
    for key, text, dash in (("chance", "baseline", "dot"), ("solved_at", "solved at", "dash")):
        told = [entry.run.validation.get(key) for entry in members_of(panel)]
        found = {float(value) for value in told if value is not None}
        if len(found) == 1 and np.isfinite(value := found.pop()):
            yield reference(value, f"{text} {number(value)}", dash)
