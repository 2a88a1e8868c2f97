"""Measures of one run of the atlas, taken once and kept in its folder."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from seqlab.analysis.reach import Reach, measure_reach, reach
from seqlab.analysis.report.parts import compact
from seqlab.analysis.sweep_runs import SweepRun
from seqlab.runs import load
from seqlab.runs.by_length import ByLength, evaluate_lengths
from seqlab.tracking import write_atomically
from seqlab.tracking.encoding import to_json
from seqlab.training import Program
from seqlab.types import ConfigError, Params

NAME = "atlas.json"
"""The file in a run folder."""

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """Settings of the evaluation beyond the trained lengths.

    Attributes:
        beyond: the lengths, as multiples of the longest trained length.
        examples: the number of sequences of each length.
    """

    beyond: tuple[float, ...] = (2.0, 4.0)
    examples: int = 256


def measured(run: SweepRun, judgement: Judgement) -> Mapping[str, Any]:
    """Return the measures of a run that finished, from its folder or else by measuring; empty for others.

    They are written into the run's folder, so that a collection that is interrupted goes on where it was. A
    run that cannot be measured has the reason under `error`.
    """
    if not run.is_finished:
        return {}
    asked = json.loads(to_json(dataclasses.asdict(judgement)))
    path = run.folder / NAME
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if (
            kept["judgement"] == asked and "baselines" in kept
        ):  # older files lack the baselines of the lengths
            return kept
    begun = time.perf_counter()
    try:
        found = _measure(run, judgement)
    except Exception as error:  # one run must not end the collection
        _log.warning("%s is not measured: %s: %s", run.folder, type(error).__name__, error)
        return {"error": f"{type(error).__name__}: {error}"}
    found |= {"judgement": asked, "seconds": time.perf_counter() - begun}
    write_atomically(path, to_json(found) + "\n")
    return found


def _measure(run: SweepRun, judgement: Judgement) -> dict[str, Any]:
    program, params = load(run.folder)
    return {
        **_by_length(_beyond(program, params, judgement)),
        **_reach(measure_reach(program, params, run.summary["seed"], exponents=True)),
    }


def _beyond(program: Program, params: Params, judgement: Judgement) -> ByLength | None:
    """Return the scores beyond the trained lengths; None for a task that has no lengths beyond."""
    drawn = program.task.sequence_lengths
    if drawn is None:
        return None
    lengths = [round(factor * drawn.length) for factor in judgement.beyond]
    few = dataclasses.replace(
        program,
        task=dataclasses.replace(program.task, num_evaluation_examples=judgement.examples),
        training=dataclasses.replace(
            program.training,
            evaluation_batch_size=min(judgement.examples, program.training.evaluation_batch_size),
        ),
    )
    try:
        return evaluate_lengths(few, params, lengths, "test")
    except ConfigError:
        return None


def _by_length(found: ByLength | None) -> dict[str, Any]:
    if found is None:
        return {"lengths": [], "scores": [], "baselines": [], "thresholds": [], "beyond": None}
    lengths, scores = found.curve
    references = found.references.values()
    return {
        "lengths": lengths.tolist(),
        "scores": compact(scores),
        "baselines": [one.baseline for one in references],
        "thresholds": [one.threshold for one in references],
        "beyond": found.score,
    }


def _reach(found: Reach) -> dict[str, Any]:
    first, last = compact(found.exponents)
    return {
        "reach_before": reach(found.before),
        "reach_after": reach(found.after),
        "decades_before": compact(found.before),
        "decades_after": compact(found.after),
        "lyapunov_before": first,
        "lyapunov_after": last,
    }


def measure_all(runs: Sequence[SweepRun], judgement: Judgement) -> list[Mapping[str, Any]]:
    """Return the measures of runs, in their order; runs of one program share its compiled functions."""
    found: list[Mapping[str, Any]] = []
    for number, run in enumerate(runs, 1):
        found.append(measured(run, judgement))
        if number % 25 == 0 or number == len(runs):
            print(f"measured: {number} of {len(runs)} runs", flush=True)
    return found
