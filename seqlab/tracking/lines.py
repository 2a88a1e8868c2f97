"""Lines of text that describe a run, as the console prints them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.tracking.tracker import RunInfo


def headline(info: RunInfo) -> str:
    """Return the first line of a run: what runs."""
    return described(info, f"{info.task}, seed {info.seed}")


def described(info: RunInfo, name: str) -> str:
    """Return what runs, its task by a name that may say more."""
    resumed = "" if info.resumed_from is None else f", resumed from step {info.resumed_from}"
    return (
        f"{info.cell} {info.architecture} {name}: {info.num_params:,} parameters, "
        f"{info.steps:,} steps of {info.tokens_per_step:,} tokens{resumed}"
    )


def row_line(row: Mapping[str, Any], goal_key: str) -> str:
    """Return a row's loss, deciding metric, gradient norm and speed, as far as it has them."""
    metrics = [f"{key} {number(row[key])}" for key in ("train/loss", goal_key, "grads/norm") if key in row]
    speeds = [
        f"{number(row[f'timing/{unit}_per_second'])} {unit}/s"
        for unit in ("steps", "tokens")
        if f"timing/{unit}_per_second" in row
    ]
    return "  ".join(metrics + speeds)


def compile_line(seconds: float) -> str:
    """Return the line about the seconds that compilation took."""
    return f"compiled in {seconds:.1f} s"


def closing_lines(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    """Return the lines about how a run ended.

    Args:
        summary: the run's summary. All keys but `status` may be missing: `reason`, the dicts `best`, `final`
            and `test` with the deciding metric, `chance`, `baseline` (in words) and `solved_at`, `baselines`
            (name to value), `sample`, `seconds`, `compile_seconds`.
        info: what the run was.
    """
    reason = f": {summary['reason']}" if summary.get("reason") else ""
    lines = [f"{summary['status']}{reason}", *_validation(summary, info), *_test(summary, info)]
    if baselines := summary.get("baselines"):
        lines.append("  ".join(["baselines:", *(f"{name} {number(baselines[name])}" for name in baselines)]))
    if sample := summary.get("sample"):
        lines.extend(["sample:", *(f"  {line}" for line in sample.splitlines())])
    if "seconds" in summary:
        lines.append(f"took {summary['seconds']:.1f} s")
    if "compile_seconds" in summary:
        lines.append(compile_line(summary["compile_seconds"]))
    return [*lines, str(info.folder)]


def number(value: float, digits: int = 4) -> str:
    """Return a number with few digits, or a large one as an integer with thousands separators."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.{digits}g}"


def _validation(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    values = [
        f"{which} {number(summary[which][info.goal_key])}"
        for which in ("best", "final")
        if info.goal_key in summary.get(which, {})
    ]
    return ["  ".join([info.goal_key, *values])] if values else []


def _test(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    key = f"test/{info.goal.metric}"
    parts = [number(summary["test"][key])] if key in summary.get("test", {}) else []
    if "chance" in summary:
        parts.append(f"baseline {number(summary['chance'])} ({summary['baseline']})")
    if "solved_at" in summary:
        parts.append(f"solved at {number(summary['solved_at'])}")
    return ["  ".join([key, *parts])] if parts else []
