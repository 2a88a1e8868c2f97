"""How is a run put in words? The lines that the console prints; each says only what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.tracking.tracker import RunInfo


def headline(info: RunInfo) -> str:
    """Say what runs, as the first line."""
    resumed = "" if info.resumed_from is None else f", resumed from step {info.resumed_from}"
    return (
        f"{info.cell} {info.architecture} {info.task}, seed {info.seed}: {info.num_params:,} parameters, "
        f"{info.steps:,} steps of {info.tokens_per_step:,} tokens{resumed}"
    )


def row_line(row: Mapping[str, Any], goal_key: str) -> str:
    """Say what a row holds: loss, the deciding metric, gradient norm and speed, where present."""
    metrics = [f"{key} {number(row[key])}" for key in ("train/loss", goal_key, "grads/norm") if key in row]
    speeds = [
        f"{number(row[f'timing/{unit}_per_second'])} {unit}/s"
        for unit in ("steps", "tokens")
        if f"timing/{unit}_per_second" in row
    ]
    return "  ".join(metrics + speeds)


def compile_line(seconds: float) -> str:
    """Say how long compilation took, in seconds."""
    return f"compiled in {seconds:.1f} s"


def closing_lines(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    """Say how the run ended.

    Args:
        summary: the summary; read are `status`, `reason`, `baselines` (name to value), `seconds`,
            `compile_seconds`, `sample`, `chance`, `baseline`, `solved_at`, and the deciding metric in the
            dicts `best`, `final` and `test`, where present.
        info: what the run was.
    """
    reason = f": {summary['reason']}" if summary.get("reason") else ""
    lines = [f"{summary['status']}{reason}", *_verdict(summary, info)]
    if baselines := summary.get("baselines"):
        lines.append("  ".join(["beside it", *(f"{name} {number(baselines[name])}" for name in baselines)]))
    lines.extend(_test(summary, info))
    if sample := summary.get("sample"):
        lines.extend(["it wrote:", *(f"  {line}" for line in sample.splitlines())])
    if "seconds" in summary:
        lines.append(f"took {summary['seconds']:.1f} s")
    if "compile_seconds" in summary:
        lines.append(compile_line(summary["compile_seconds"]))
    return [*lines, str(info.folder)]


def number(value: float, digits: int = 4) -> str:
    """Write a number short: a few digits, or whole with thousands apart."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.{digits}g}"


def _verdict(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    measured = [
        f"{which} {number(summary[which][info.goal_key])}"
        for which in ("best", "final")
        if info.goal_key in summary.get(which, {})
    ]
    return ["  ".join([info.goal_key, *measured])] if measured else []


def _test(summary: Mapping[str, Any], info: RunInfo) -> list[str]:
    key = f"test/{info.goal.metric}"
    reached = [number(summary["test"][key])] if key in summary.get("test", {}) else []
    if "solved_at" in summary:
        reached.append(f"chance {number(summary['chance'])} ({summary['baseline']})")
        reached.append(f"solved at {number(summary['solved_at'])}")
    return ["  ".join([key, *reached])] if reached else []
