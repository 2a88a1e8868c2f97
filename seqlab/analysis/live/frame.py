"""Frame of the live view: a line for each run, and the pictures of the chosen one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from seqlab.analysis.live.followed import DAMAGED, RUNNING, STOPPED, WAITING, Followed
from seqlab.analysis.live.pictures import HEIGHT, WIDE, draw_pictures
from seqlab.analysis.live.watched import Watched
from seqlab.tracking.lines import duration, number

STYLES = {
    RUNNING: "bold cyan",
    "finished": "green",
    **dict.fromkeys((WAITING, "pruned"), "dim"),
    **dict.fromkeys((STOPPED, "interrupted"), "yellow"),
    **dict.fromkeys(("diverged", "failed", DAMAGED), "bold red"),
}
"""The style of each status; its word says the same without colours."""

_OTHER_LINES = 4
"""The lines of the names of columns, the count of hidden runs, a gap, and the cursor."""

_LEFT = ("run", "status", "progress")
"""The columns that are aligned at the left."""


def frame(watched: Watched, screen: Console, lines: int | None = None) -> RenderableType:
    """Return what a screen shows of a watched folder.

    Args:
        watched: the folder.
        screen: where it is shown, whose width and colours decide what is drawn.
        lines: the height; None where there is no limit.
    """
    if not watched.runs:
        return Text(f"{watched.folder}: no run yet{'' if lines is None else ', waiting for the first'}")
    chosen, detail = watched.chosen, list[RenderableType]()
    summary = _summary(watched)
    room = None if lines is None else lines - _OTHER_LINES - len(summary.wrap(screen, screen.width))
    if chosen is not None and (chosen.latest or chosen.summary):
        head = _head(watched, chosen)
        pictures = [draw_pictures(chosen, screen)] if chosen.latest else []
        size = HEIGHT * len(pictures) + len(head.wrap(screen, screen.width))
        if room is None or room - size >= 1:
            detail = [Text(), head, *pictures]
            room = None if room is None else room - size
    shown = _most_relevant(watched, room)
    parts: list[RenderableType] = [summary, _table(watched, shown, screen.width)]
    if hidden := len(watched.runs) - len(shown):
        parts.append(Text(f"… and {hidden} more", style="dim"))
    return Group(*parts, *detail)


def _summary(watched: Watched) -> Text:
    """Return the line that counts the runs and says what is compared."""
    count = len(watched.runs)
    text = Text(f"{watched.folder}  {count} run{'' if count == 1 else 's'}: ")
    for place, (status, number_of) in enumerate(watched.counts.items()):
        text.append(f"{', ' if place else ''}{number_of} ").append(status, style=STYLES.get(status, ""))
    left = [run.seconds_left for run in watched.runs if run.seconds_left is not None]
    if left:
        text.append(f", {duration(max(left))} left")
    goals = {run.goal for run in watched.runs if run.goal.metric}
    if len(goals) == 1:
        (goal,) = goals
        text.append(
            f". Best {goal.metric} (validation, {'higher' if goal.higher_is_better else 'lower'} is better)"
        )
    return text


def _most_relevant(watched: Watched, room: int | None) -> Sequence[Followed]:
    """Return the runs that are shown where there is room for some: running ones, then the newest."""
    if room is None or len(watched.runs) <= room:
        return watched.runs
    order = {RUNNING: 1, WAITING: 3}
    ranked = sorted(
        watched.runs,
        key=lambda run: (0 if run is watched.chosen else order.get(run.status, 2), -run.changed),
    )
    kept = {run.folder for run in ranked[: max(1, room)]}
    return [run for run in watched.runs if run.folder in kept]


def _table(watched: Watched, runs: Sequence[Followed], width: int) -> Table:
    wide = width >= WIDE
    gap = 2 if wide else 1
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    lines = [_cells(watched, run, wide) for run in runs]
    for name in lines[0]:
        side = "left" if name in _LEFT else "right"
        table.add_column(name, justify=side, no_wrap=True, overflow="ellipsis")
    others = sum(max(len(name), *(len(line[name]) for line in lines)) for name in lines[0] if name != "run")
    room = width - others - (len(lines[0]) - 1) * gap
    for line in lines:
        line["run"].truncate(max(room, 12), overflow="ellipsis")
        table.add_row(*line.values())
    return table


def _cells(watched: Watched, run: Followed, wide: bool) -> dict[str, Text]:
    """Return the cells of a run's line by the names of their columns."""
    several = len(watched.runs) > 1
    mark = ("▶ " if run is watched.chosen else "  ") if several else ""
    left, digits = run.seconds_left, 4 if wide else 3
    levels = {name: number(level, digits) for name, level in run.reference.items()}
    best = "" if run.best is None else number(run.best, digits)
    total = f"/{run.total}" if wide and run.total else ""
    cells = {
        "run": Text(f"{mark}{watched.name_of(run)} {_what(run)}".rstrip()),
        "status": Text(run.status, style=STYLES.get(run.status, "")),
        "progress": _bar(run, 12 if wide else 8),
        "step": Text(f"{run.step}{total}"),
        "left": Text("" if left is None else duration(left)),
        "best": Text(f"✓ {best}", style="bold green") if run.solved else Text(best),
        "baseline": Text(levels.get("baseline", "")),
    }
    if wide:
        cells["solved at"] = Text(levels.get("solved at", ""))
        for name, key in (("loss", "train/loss"), ("steps/s", "timing/steps_per_second")):
            cells[name] = Text(number(float(run.latest[key]), 3) if key in run.latest else "")
    return cells


def _what(run: Followed) -> str:
    """Return what distinguishes a run: its place in its sweep, or else cell, task and seed."""
    facts = run.facts
    if axes := facts.get("axes") or facts.get("overrides"):
        return " ".join(re.sub(r"^[^=]*[./]", "", str(axis)) for axis in axes)
    seed = f" seed {facts['seed']}" if "seed" in facts else ""
    return f"{facts.get('cell', '')} {facts.get('task', '')}{seed}".strip()


def _bar(run: Followed, width: int) -> Text:
    """Return a bar of the share of steps that are made."""
    share = min(1.0, run.step / run.total) if run.total else 0.0
    made = round(share * width)
    text = Text("━" * made, style="green" if run.status == "finished" else "cyan")
    return text.append("─" * (width - made), style="dim")


def _head(watched: Watched, run: Followed) -> Text:
    """Return the verdict on the chosen run, or its name while it has none."""
    name = f"{watched.name_of(run)} {_what(run)}"
    if not run.summary:
        return Text(name, style="bold")
    ended = run.summary.get("verdict") or f"{run.status}: {run.summary.get('reason') or ''}"
    return Text(" ".join(f"{name}. {ended}".split()), style="bold")
