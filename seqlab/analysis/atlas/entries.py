"""Entries of the atlas: a model on a problem, with means, intervals, counts and a paired comparison."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.atlas.rows import Entry, Row, by_entry
from seqlab.analysis.group_comparison import corrected
from seqlab.analysis.intervals import EVERY_NUMBER, interval_95
from seqlab.metrics.ranges import range_of

AVERAGED = (
    *("test", "skill", "beyond", "beyond_skill", "seconds"),
    *("reach_before", "reach_after", "lyapunov_before", "lyapunov_after"),
)
"""The columns of runs whose mean over the seeds, with its 95 % interval, an entry has."""

SHARED = ("cell", "task", "architecture", "metric", "higher_is_better", "chance", "solved_at")
"""The columns of runs that are equal for all runs of an entry."""

SIZES = ("num_params", "features", "state_size")


class Paired(NamedTuple):
    """A comparison with the reference model, over the seeds that finished with both.

    Attributes:
        difference: the mean of the test score minus that of the reference.
        interval: the ends of its 95 % interval by Student's t; None below two seeds.
        p: the p value of a paired t-test, two-sided; None below two seeds and where all differences are the
            same number but 0.
        seeds: the number of pairs.
    """

    difference: float
    interval: list[float] | None
    p: float | None
    seeds: int


def entries(rows: Sequence[Row], reference: str) -> list[dict[str, Any]]:
    """Return a row for each entry, over its runs with the learning rate that was chosen.

    Args:
        rows: the rows of the runs.
        reference: the model that every other one is compared with on each problem, seed by seed. The p values
            of a problem are corrected for their number by Holm's procedure.
    """
    chosen = by_entry([row for row in rows if row["chosen"]])
    found = [
        {"model": entry.model, "problem": entry.problem, **_entry(members)}
        for entry, members in chosen.items()
    ]
    for problem in dict.fromkeys(line["problem"] for line in found):
        lines = [line for line in found if line["problem"] == problem]
        by_model = {line["model"]: chosen[Entry(line["model"], problem)] for line in lines}
        against = by_model.get(reference, [])
        pairs = [
            None if line["model"] == reference else paired(by_model[line["model"]], against) for line in lines
        ]
        tested = [place for place, pair in enumerate(pairs) if pair is not None and pair.p is not None]
        p_values = [pair.p for pair in pairs if pair is not None and pair.p is not None]
        adjusted = dict(zip(tested, corrected(p_values), strict=True)) if tested else {}
        for place, (line, pair) in enumerate(zip(lines, pairs, strict=True)):
            line |= _comparison(pair) | {"p_corrected": adjusted.get(place)}
    return found


def paired(rows: Sequence[Row], reference: Sequence[Row]) -> Paired | None:
    """Compare the test scores of two models on a problem, seed by seed; None where no seed is shared."""
    from scipy.stats import ttest_1samp  # imported here because it takes a second

    one, other = ({row["seed"]: row["test"] for row in finished(part)} for part in (rows, reference))
    shared = [seed for seed in one if seed in other]
    if not shared:
        return None
    differences = np.array([one[seed] - other[seed] for seed in shared], float)
    return Paired(
        float(differences.mean()), interval_95(differences), _p(differences, ttest_1samp), len(shared)
    )


def _p(differences: np.ndarray, test: Any) -> float | None:
    if not differences.any():
        return 1.0
    if len(differences) < 2 or not np.ptp(differences) or not np.isfinite(differences).all():
        return None
    return float(test(differences, 0).pvalue)


def finished(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of runs that finished with a test score."""
    return [row for row in rows if row["status"] == "finished" and row["test"] is not None]


def _entry(rows: Sequence[Row]) -> dict[str, Any]:
    done = finished(rows)
    first = next(iter(done or rows))
    steps = [row["steps_to_solved"] for row in done if row["steps_to_solved"] is not None]
    statuses = collections.Counter(row["status"] for row in rows)
    return {
        **{key: first[key] for key in (*SHARED, "learning_rate", *SIZES)},
        "n": len(done),
        "planned": len(rows) - statuses["incompatible"],
        "statuses": " ".join(f"{count} {status}" for status, count in statuses.items()),
        "solved": sum(bool(row["solved"]) for row in done),
        "steps_to_solved": float(np.median(steps)) if steps else None,
        "steps_to_solved_low": min(steps, default=None),
        "steps_to_solved_high": max(steps, default=None),
        **{
            key: value
            for name in AVERAGED
            for key, value in averaged(name, done, _range(name, first["metric"])).items()
        },
    }


def _range(name: str, metric: str | None) -> tuple[float, float]:
    """Return the least and the largest possible value of a column.

    Args:
        name: the column.
        metric: the deciding metric of the runs; None if no run has recorded it.
    """
    if name in ("test", "beyond"):
        return range_of(str(metric))
    return (0.0, 1.0) if name in ("skill", "beyond_skill") else EVERY_NUMBER


def averaged(
    name: str, rows: Sequence[Mapping[str, Any]], legal: tuple[float, float] = EVERY_NUMBER
) -> dict[str, float | None]:
    """Return the mean of a column and the ends of its 95 % interval, over the rows that have it.

    Args:
        name: the column.
        rows: the rows.
        legal: the least and the largest possible value of the column; the interval ends there.
    """
    values = np.array([row[name] for row in rows if row[name] is not None], float)
    values = values[np.isfinite(values)]
    low, high = interval_95(values, legal) or (None, None)
    mean = float(values.mean()) if len(values) else None
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _comparison(pair: Paired | None) -> dict[str, Any]:
    if pair is None:
        return dict.fromkeys(("difference", "difference_low", "difference_high", "p", "pairs"))
    low, high = pair.interval or (None, None)
    return {
        "difference": pair.difference,
        "difference_low": low,
        "difference_high": high,
        "p": pair.p,
        "pairs": pair.seeds,
    }


def overall(lines: Sequence[Mapping[str, Any]], reference: str) -> list[dict[str, Any]]:
    """Return a row for each model: its mean skill over the problems, compared with the reference on each.

    The test flips the signs of the differences of the problems' mean skills, exactly where there are few. It
    is corrected for the number of models by Holm's procedure.
    """
    by_model: dict[str, dict[str, Mapping[str, Any]]] = {}
    for line in lines:
        by_model.setdefault(line["model"], {})[line["problem"]] = line
    against = by_model.get(reference, {})
    found = [_overall(model, of, against) for model, of in by_model.items()]
    tested = [row for row in found if row["p"] is not None and row["model"] != reference]
    for row, p in zip(tested, corrected([row["p"] for row in tested]) if tested else (), strict=True):
        row["p_corrected"] = p
    return found


def _overall(
    model: str, lines: Mapping[str, Mapping[str, Any]], against: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    skills = {problem: line["skill"] for problem, line in lines.items() if line["skill"] is not None}
    other = {problem: line["skill"] for problem, line in against.items() if line["skill"] is not None}
    differences = np.array(
        [skills[problem] - other[problem] for problem in skills if problem in other], float
    )
    ends = interval_95(differences, (-1.0, 1.0)) if len(differences) else None
    return {
        "model": model,
        "problems": len(skills),
        "solved": sum(line["solved"] * 2 > line["planned"] for line in lines.values()),
        "runs": sum(line["n"] for line in lines.values()),
        "skill": float(np.mean(list(skills.values()))) if skills else None,
        "beyond_skill": averaged("beyond_skill", list(lines.values()))["beyond_skill"],
        "difference": float(differences.mean()) if len(differences) else None,
        "difference_low": None if ends is None else ends[0],
        "difference_high": None if ends is None else ends[1],
        "p": _sign_flips(differences),
        "p_corrected": None,
    }


def _sign_flips(differences: np.ndarray) -> float | None:
    """Return the p value of a permutation test of paired differences, two-sided; None below two pairs."""
    from scipy.stats import permutation_test

    if len(differences) < 2:
        return None
    found = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=9999,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)
