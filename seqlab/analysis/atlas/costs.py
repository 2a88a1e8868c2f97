"""Cost of the atlas: where its time goes, and what it would take on more cores."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.analysis.atlas.rows import Row, by_entry

CORES = (1, 16, 256)
"""The numbers of cores that the cost is stated for."""

PARTS = ("compile", "update", "evaluate and write", "measure")
"""The parts of a program's seconds."""


def costs(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the wall seconds of each program by part, and the seconds that it takes on one core.

    The runs of an entry are one program. Only runs that finished without a stop count, and that recorded
    their times. Updates are counted by the rate of steps that the program measured. What is neither these nor
    compilation is evaluation, saving and waiting. On one core a program takes its CPU seconds and the wall
    seconds of the measuring.
    """
    found: list[dict[str, Any]] = []
    for entry, members in by_entry(rows).items():
        timed = [row for row in members if _is_timed(row)]
        if not timed:
            continue
        first = timed[0]
        compiling, total = float(first["compile_seconds"] or 0), float(first["program_seconds"])
        update = max(row["steps"] / row["steps_per_second"] for row in timed)
        measuring = sum(row["measure_seconds"] or 0 for row in timed)
        seconds = compiling, update, max(total - compiling - update, 0.0), measuring
        cpu = float(first["program_cpu_seconds"]) + measuring
        found.append(
            {**entry._asdict(), "runs": len(timed), **dict(zip(PARTS, seconds, strict=True)), "cpu": cpu}
        )
    return found


def _is_timed(row: Row) -> bool:
    recorded = row["steps_per_second"] and row["program_cpu_seconds"]
    return row["status"] == "finished" and not row["resumes"] and bool(recorded)


def scaling(programs: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a row for each number of cores: the hours that the programs would take, on paper.

    Programs do not depend on each other. They are given to the cores one by one, the longest first, and each
    takes its CPU seconds on its core. On a GPU no update is taken to be free of cost, so compilation,
    evaluation and measuring are a lower bound.

    Args:
        programs: the rows of `costs`.
    """
    seconds = [float(program["cpu"]) for program in programs]
    rows = [
        {"on": f"{cores} core{'s' * (cores > 1)}", "hours": f"{_makespan(seconds, cores) / 3600:.2f}"}
        for cores in CORES
    ]
    fixed = sum(sum(float(program[part]) for part in PARTS if part != "update") for program in programs)
    return [*rows, {"on": "one GPU, were its updates free", "hours": f"at least {fixed / 3600:.2f}"}]


def _makespan(seconds: Sequence[float], cores: int) -> float:
    """Return when the last of independent programs ends on some cores."""
    ends = [0.0] * cores
    for taken in sorted(seconds, reverse=True):
        heapq.heappush(ends, heapq.heappop(ends) + taken)
    return max(ends)


def mean_parts(programs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean seconds of a program by part."""
    return {part: float(np.mean([program[part] for program in programs])) for part in PARTS}
