"""Lines of text that describe a run, as the console prints them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from seqlab.tracking.tracker import RunInfo

SPEED = "timing/steps_per_second"
COMPILING = "timing/compile_seconds"


def headline(info: RunInfo) -> str:
    """Return the first line of a run: what runs."""
    return described(info, f"{info.task}, seed {info.seed}")


def described(info: RunInfo, name: str) -> str:
    """Return what runs, its task by a name that may say more."""
    state = f"state of {info.state_size:,} numbers, " if info.state_size else ""
    resumed = "" if info.resumed_from is None else f", resumed from step {info.resumed_from}"
    return (
        f"{info.cell} {info.architecture} {name}: {info.num_params:,} parameters, {state}"
        f"{info.steps:,} steps of {info.tokens_per_step:,} tokens{resumed}"
    )


def progress_line(rows: Sequence[Mapping[str, Any]], info: RunInfo) -> str:
    """Return time left, loss, validation metric beside what it is compared with, gradient norm and speed.

    Args:
        rows: the latest value of each number, of one run or of several that train together. Of several the
            line has the median and the range.
        info: what the runs are.
    """
    values = {key: [row[key] for row in rows if key in row] for key in rows[0]}
    speed, left = rows[0].get(SPEED, 0), info.steps - rows[0]["step"]
    parts = [f"{duration(left / speed)} left"] if speed > 0 and left > 0 else []
    parts.append(_spread("loss", values.get("train/loss")))
    if score := _spread(info.goal.metric, values.get(info.goal_key)):
        parts.append(score + _compared_with(rows[0]))
    parts.append(_spread("gradient norm", values.get("grads/norm")))
    if speed:
        parts.append(f"{number(speed)} steps/s")
    return "  ".join(filter(None, parts))


def compile_line(seconds: float) -> str:
    """Return the line about the seconds that compilation took before the first row."""
    return f"compiled in {seconds:.1f} s: XLA builds the program of a step once, before the first one"


def closing_lines(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    """Return the lines about how a run ended.

    Args:
        summary: the run's summary. All keys but `status` may be missing: `verdict`, `reason`, the dicts
            `best` and `final` with the deciding metric, `baselines` (name to value), `sample`, `seconds`,
            `compile_seconds`.
        info: what the run was.
    """
    reason = f": {summary['reason']}" if summary.get("reason") else ""
    lines = [str(summary.get("verdict") or f"{summary['status']}{reason}"), *_validation(summary, info)]
    known = str(summary.get("baseline") or "").partition(";")[0]
    others = {name: value for name, value in summary.get("baselines", {}).items() if name != known}
    if others:
        lines.append("other baselines: " + ", ".join(f"{name} {number(others[name])}" for name in others))
    if sample := summary.get("sample"):
        lines.extend(["sample:", *(f"  │ {line}" for line in str(sample).splitlines())])
    if "seconds" in summary:
        compiling = summary.get("compile_seconds")
        share = "" if compiling is None else f", of which compilation {compiling:.1f} s"
        lines.append(f"took {summary['seconds']:.1f} s{share}")
    return [*lines, str(info.folder)]


def number(value: float, digits: int = 4) -> str:
    """Return a number with few digits, or a large one as an integer with thousands separators."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.{digits}g}"


def duration(seconds: float) -> str:
    """Return a time as minutes and seconds, or as hours, minutes and seconds."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _spread(name: str, values: Sequence[float] | None) -> str:
    """Return a number by its name, or the median and the range of several; empty where there is none."""
    if not values:
        return ""
    middle = values[0] if len(values) == 1 else statistics.median(values)
    low, high = min(values), max(values)
    spread = "" if len(values) == 1 else f" ({number(low, 3)} to {number(high, 3)})"
    return f"{name} {number(middle)}{spread}"


def _compared_with(row: Mapping[str, Any]) -> str:
    names = {"reference/chance": "baseline", "reference/solved_at": "solved at"}
    known = [f"{name} {number(row[key])}" for key, name in names.items() if key in row]
    return f" [{', '.join(known)}]" if known else ""


def _validation(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    """Return the line about the best and the last evaluation."""
    key, parts = info.goal_key, list[str]()
    best, last = summary.get("best", {}), summary.get("final", {})
    rows = {"best and last": best} if best == last else {"best": best, "last": last}
    for name, row in rows.items():
        if key in row:
            at = f" at step {row['step']:,}" if "step" in row else ""
            of_average = f" with averaged parameters ({row['params']})" if "params" in row else ""
            parts.append(f"{name} {number(row[key])}{at}{of_average}")
    return [f"validation {info.goal.metric}: {', '.join(parts)}"] if parts else []
