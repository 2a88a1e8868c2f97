"""List of runs and sweeps, and the comparison of two."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich.console
import rich.table
import rich.text

from seqlab.analysis.comparison import Comparison, GroupPair, Scores, compare
from seqlab.analysis.frames import list_runs, list_sweeps
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.tracking.lines import number
from seqlab.tracking.screen import standard_output
from seqlab.types import ConfigError


@command
def main() -> None:
    """List the runs below a folder with their scores, or compare two runs or sweeps."""
    parser = Parser(prog="python -m seqlab.runs", description=main.__doc__)
    parser.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="default: runs and sweeps here")
    parser.add_argument(
        "--compare", metavar=("ONE", "OTHER"), nargs=2, type=Path, help="two runs or folders of runs"
    )
    options = parser.parse_args()
    screen = standard_output()
    if options.compare:
        if options.folder:
            raise ConfigError("DIR does not apply to --compare")
        _print_comparison(screen, compare(*options.compare), options.compare)
        return
    runs = list_runs(options.folder)
    if not len(runs):
        raise ConfigError(f"{options.folder or 'runs and sweeps'} holds no run")
    _print(screen, [_line(row) for row in runs.to_dict("records")])
    if len(sweeps := list_sweeps(options.folder)):
        screen.print()
        _print(screen, [_sweep_line(row) for row in sweeps.to_dict("records")])


def _line(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the cells of a run's line."""
    names = ("status", "sweep", "name", "cell", "architecture", "task", "seed", "metric")
    texts = {name: "" if row[name] is None or row[name] != row[name] else str(row[name]) for name in names}
    numbers = {name: _number(row[name]) for name in ("best", "test", "steps", "seconds")}
    return {**texts, **numbers, "folder": row["folder"]}


def _sweep_line(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the cells of a sweep's line."""
    counts = {name: str(row[name]) for name in ("planned", "finished", "failed")}
    texts = {name: row[name] if isinstance(row[name], str) else "" for name in ("metric", "best_group")}
    ends = row["best_interval_95"]
    interval = " … ".join(map(number, ends)) if isinstance(ends, list) else ""
    scores = {"best_mean": _number(row["best_mean"]), "95 % interval": interval}
    named = {"sweep": row["sweep"], "status": row["status"]}
    return {**named, **counts, **texts, **scores, "folder": row["folder"]}


def _print_comparison(screen: rich.console.Console, found: Comparison, folders: tuple[Path, Path]) -> None:
    one, other = map(str, folders)
    if found.config:
        _print(screen, [{"key": key, one: str(a), other: str(b)} for key, (a, b) in found.config.items()])
    else:
        screen.print("the configs are equal", markup=False, highlight=False)
    if found.groups:
        _print(screen, [_pair_line(pair, one, other) for pair in found.groups])
    screen.print(f"test/{found.metric}" if found.metric else "the deciding metrics differ", highlight=False)
    for folder, scores in zip((one, other), found.scores, strict=True):
        screen.print(f"{folder}: {_scores(scores)}", markup=False, highlight=False)
    if found.difference_95 is not None:
        low, high = found.difference_95
        screen.print(
            f"difference of the means: 95 % interval {number(low)} … {number(high)}", highlight=False
        )


def _pair_line(pair: GroupPair, one: str, other: str) -> dict[str, str]:
    """Return the cells of a line that compares a group of two sweeps."""
    scores = {folder: _scores(scores) for folder, scores in zip((one, other), pair.scores, strict=True)}
    interval = "" if pair.difference_95 is None else " … ".join(map(number, pair.difference_95))
    return {"group": pair.group, **scores, "difference, 95 % interval": interval}


def _scores(scores: Scores) -> str:
    if scores.mean is None:
        return "no finished run"
    runs = f"{scores.n} run{'s' if scores.n > 1 else ''}"
    if scores.interval_95 is None:
        return f"{number(scores.mean)} ({runs}, so no interval)"
    low, high = map(number, scores.interval_95)
    return f"mean {number(scores.mean)}, 95 % interval {low} … {high} ({runs})"


def _number(value: Any) -> str:
    return "" if value is None or value != value else number(value)


def _print(screen: rich.console.Console, lines: list[dict[str, str]]) -> None:
    table = rich.table.Table(box=None, pad_edge=False)
    for name in lines[0]:
        table.add_column(name, overflow="fold")
    for line in lines:
        table.add_row(*(rich.text.Text(cell) for cell in line.values()))
    screen.print(table, markup=False, highlight=False)
