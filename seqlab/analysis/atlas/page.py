"""The page of the atlas: a matrix of models and problems, with the curves behind each entry."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.atlas.collection import Collection
from seqlab.analysis.atlas.costs import costs, mean_parts, scaling
from seqlab.analysis.atlas.families import family_of, in_order, theory
from seqlab.analysis.atlas.rows import folder_of
from seqlab.analysis.report.parts import compact
from seqlab.analysis.report.template import as_json, render
from seqlab.tracking.thinning import thinned

PACKAGE = "seqlab.analysis.atlas"

MAX_POINTS = 40
"""The most points of a curve."""

MOST_NAMED = 3
"""The most models that the headline names."""


class View(NamedTuple):
    """A quantity that the matrix can show.

    Attributes:
        key: the column of an entry.
        title: its name.
        says: what it is, in a sentence.
        colour: the column that decides the colour; None for the shown one.
        order: "up" where more is better, "down" where less is, "none" where neither is.
    """

    key: str
    title: str
    says: str
    colour: str | None = None
    order: str = "none"


VIEWS = (
    View("test", "score", "The deciding metric on the test split, at trained lengths.", "skill", "up"),
    View("beyond", "score beyond the trained lengths", "The same at longer sequences.", "beyond_skill", "up"),
    View("solved", "solved", "How many seeds reach the problem's threshold.", "share", "up"),
    View(
        "steps_to_solved",
        "steps to solved",
        "Updates until a validation reaches the threshold.",
        None,
        "down",
    ),
    View("seconds", "seconds a run", "The run's share of the wall time of its program.", None, "down"),
    View(
        "reach_before",
        "gradient reach at the start",
        "The most steps back from the last answer at which 1 % of the gradient remains.",
    ),
    View("reach_after", "gradient reach after learning", "The same with the best parameters."),
    View(
        "lyapunov_before",
        "Lyapunov exponent at the start",
        "The largest, in nats a step; above 0 gradients explode.",
    ),
    View("lyapunov_after", "Lyapunov exponent after learning", "The same with the best parameters."),
)


def atlas_page(found: Collection) -> str:
    """Return the page as HTML that needs no network."""
    models = in_order([line["model"] for line in found.lines], "models")
    problems = in_order([line["problem"] for line in found.lines], "problems")
    programs = costs(found.rows)
    return render(
        PACKAGE,
        title="Atlas of recurrences",
        data=as_json(_data(found, models, problems)),
        headline=headline(found),
        counts=[(status, count) for status, count in found.counts.items()],
        theory=(said := theory(models, problems)),
        said=as_json(said),
        commands=found.commands,
        parts={part: f"{seconds:.1f}" for part, seconds in mean_parts(programs).items()} if programs else {},
        scaling=scaling(programs) if programs else [],
        programs=len(programs),
        reference=found.reference,
        written=time.strftime("%Y-%m-%d %H:%M:%S"),
    )


def headline(found: Collection) -> str:
    """Return the main finding: who solves the most problems, and who is best at longer sequences.

    Problems without a finished run do not count. Only the models with the most problems are compared.
    """
    lines = [line for line in found.lines if line["n"]]
    if not lines:
        return "No run has finished yet."
    most = max(row["problems"] for row in found.models)
    models = [row for row in found.models if row["problems"] == most]
    problems = list(dict.fromkeys(line["problem"] for line in lines))
    solved = max(row["solved"] for row in models)
    first = [row["model"] for row in models if row["solved"] == solved]
    who = f"{len(first)} of {len(models)} models" if len(first) > MOST_NAMED else _listed(first)
    said = [f"{who} solve{'s' * (len(first) == 1)} {solved} of {len(problems)} problems, the most."]
    if beyond := [row for row in models if row["beyond_skill"] is not None]:
        best = max(beyond, key=lambda row: row["beyond_skill"])
        said.append(f"{best['model']} has the best mean skill at longer sequences.")
    solvable = {line["problem"] for line in lines if line["solved"]}
    if unsolved := [problem for problem in problems if problem not in solvable]:
        said.append(f"No run solves {_listed(unsolved)}.")
    return " ".join(said)


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _data(found: Collection, models: Sequence[str], problems: Sequence[str]) -> dict[str, Any]:
    places = {folder_of(run, found.root): place for place, run in enumerate(found.runs)}
    summed = {row["model"]: row for row in found.models}
    return {
        "views": [view._asdict() for view in VIEWS],
        "models": [_model(name, summed[name], found.lines) for name in models],
        "problems": [_problem(name, found.lines) for name in problems],
        "entries": [_entry(line, models, problems) for line in found.lines],
        "runs": [
            _run(row, found, places[row["folder"]], models, problems)
            for row in found.rows
            if row["status"] != "incompatible"
        ],
        "reference": found.reference,
    }


def _model(name: str, row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sizes = [line["state_size"] for line in lines if line["model"] == name and line["state_size"]]
    kept = ("solved", "problems", "skill", "beyond_skill", "difference", "difference_low", "difference_high")
    return {
        "name": name,
        "family": family_of(name, "models"),
        "state_size": int(np.median(sizes)) if sizes else None,
        "p": _short(row["p_corrected"]),
        **{key: _short(row[key]) for key in kept},
    }


def _problem(name: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    of_problem = [line for line in lines if line["problem"] == name]
    line = next((line for line in of_problem if line["metric"]), of_problem[0])
    return {
        "name": name,
        "family": family_of(name, "problems"),
        "metric": line["metric"],
        "chance": _short(line["chance"]),
        "solved_at": _short(line["solved_at"]),
    }


def _entry(line: Mapping[str, Any], models: Sequence[str], problems: Sequence[str]) -> dict[str, Any]:
    share = line["solved"] / line["planned"] if line["planned"] else None
    values = {view.key: [_short(line.get(view.key + end)) for end in ("", "_low", "_high")] for view in VIEWS}
    kept = ("skill", "beyond_skill", "difference", "difference_low", "difference_high", "p_corrected")
    return {
        "m": models.index(line["model"]),
        "p": problems.index(line["problem"]),
        "v": values,
        **{key: _short(line[key]) for key in kept},
        **{key: line[key] for key in ("n", "planned", "statuses", "learning_rate")},
        "share": _short(share),
    }


def _run(
    row: Mapping[str, Any], found: Collection, place: int, models: Sequence[str], problems: Sequence[str]
) -> dict[str, Any]:
    run, measures = found.runs[place], found.measures[place]
    few = thinned(len(run.steps), MAX_POINTS)
    return {
        "m": models.index(row["model"]),
        "p": problems.index(row["problem"]),
        "seed": row["seed"],
        "rate": row["learning_rate"],
        "chosen": row["chosen"],
        "status": row["status"],
        "steps": compact(run.steps[few]),
        "curve": compact(run.scores[few]),
        **{key: _curve(measures.get(f"decades_{key}")) for key in ("before", "after")},
        "lengths": measures.get("lengths", []),
        "scores": measures.get("scores", []),
    }


def _curve(decades: Sequence[float | None] | None) -> list[list[float | None]]:
    """Return the distances and the decades of at most `MAX_POINTS` points."""
    decades = decades or []
    few = thinned(len(decades), MAX_POINTS)
    return [[int(place) for place in few], [decades[place] for place in few]]


def _short(value: Any) -> Any:
    return compact([value])[0] if isinstance(value, (int, float)) else value
