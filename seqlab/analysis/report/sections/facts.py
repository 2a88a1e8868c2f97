"""Facts about runs: configs, data, time, environment, and the command that makes them again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from seqlab.analysis.comparison import ABSENT
from seqlab.analysis.report.entries import Entries, Entry
from seqlab.analysis.report.parts import Cell, Part, Section, Table, Text, cell
from seqlab.analysis.sweep_runs import DAMAGED
from seqlab.runs.last import command_line

MOST_SIDE_BY_SIDE = 6
"""The most runs whose configs stand beside each other."""

PLACES = re.compile(r"seed|name|notes|resume|overwrite|sweep\..*|hydra\..*")
"""Keys of a config that say where and when, or that the table of runs has."""

MOST_LINES, MOST_LOGS = 30, 5
"""The last lines of a log that are shown, and the most logs."""


def config(entries: Entries) -> Section | None:
    """Return the config keys in which the runs differ; of one run all keys."""
    configs = [(entry, entry.config) for entry in entries.runs if entry.config]
    if not configs:
        return None
    if entries.single:
        rows = [[cell(key), Cell(_text(value))] for key, value in configs[0][1].items()]
        return Section("config", "Config", [Table(f"{len(rows)} keys", ["key", "value"], rows, True, True)])
    keys = dict.fromkeys(key for _, one in configs for key in one)
    values = {
        key: [_text(one.get(key, ABSENT)) for _, one in configs] for key in keys if not PLACES.fullmatch(key)
    }
    differing = {key: found for key, found in values.items() if len(set(found)) > 1}
    if not differing:
        return Section(
            "config", "Differences of config", [], "The configs differ in the seed alone, or not at all."
        )
    if len(configs) <= MOST_SIDE_BY_SIDE:
        columns = ["key", *(entry.name for entry, _ in configs)]
        rows = [[Cell(key), *map(Cell, found)] for key, found in differing.items()]
    else:
        columns = ["key", "values (number of runs)"]
        rows = [[Cell(key), Cell(_counts(found))] for key, found in differing.items()]
    return Section("config", "Differences of config", [Table("Keys in which the runs differ", columns, rows)])


def _counts(found: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(found))
    shown = ", ".join(f"{value} ({found.count(value)})" for value in distinct[:12])
    return shown + (f" and {len(distinct) - 12} more" if len(distinct) > 12 else "")


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def data(entries: Entries) -> Section | None:
    """Return the counts and the fingerprint of the data of each task."""
    rows: dict[tuple[str, str], list[Cell]] = {}
    for entry in entries.runs:
        task = str(entry.summary.get("task"))
        counts = entry.summary.get("data")
        flat = _flat("", counts) if isinstance(counts, Mapping) else {}
        if fingerprint := entry.summary.get("data_fingerprint"):
            flat["fingerprint"] = fingerprint
        for key, value in flat.items():
            rows.setdefault((task, f"{key} {_text(value)}"), [Cell(task), Cell(key), cell(value)])
    if not rows:
        return None
    return Section(
        "data", "Data", [Table("Counts of the data", ["task", "what", "value"], list(rows.values()))]
    )


def _flat(path: str, node: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.items():
        name = f"{path}, {key}" if path else str(key)
        found |= _flat(name, value) if isinstance(value, Mapping) else {name: value}
    return found


def timing(entries: Entries) -> Section | None:
    """Return seconds, the share of compilation, and the speed of each run."""
    rows = [_times(entry) for entry in entries.runs if "seconds" in entry.summary]
    if not rows:
        return None
    columns = [
        "run",
        "cell",
        "task",
        "seconds",
        "compilation, seconds",
        "share of compilation",
        "steps/s",
        "parameters",
    ]
    total = sum(float(entry.summary["seconds"]) for entry in entries.runs if "seconds" in entry.summary)
    says = f"{len(rows)} runs took {total:.1f} s together." if len(rows) > 1 else ""
    if any("program_seconds" in entry.summary and _shared(entry) for entry in entries.runs):
        says += " Runs of one program share its compilation; seconds are each run's share of the program."
    table = Table("Time", columns, rows, sortable=len(rows) > 1, folded=len(rows) > 8)
    return Section("timing", "Time and compilation", [table], says.strip())


def _shared(entry: Entry) -> bool:
    return float(entry.summary["program_seconds"]) > 1.001 * float(entry.summary["seconds"])


def _times(entry: Entry) -> list[Cell]:
    get = entry.summary.get
    compiling, whole = get("compile_seconds"), get("program_seconds", get("seconds"))
    share = compiling / whole if compiling is not None and whole else None
    return [
        *(Cell(entry.name), cell(get("cell")), cell(get("task")), cell(get("seconds")), cell(compiling)),
        Cell("" if share is None else f"{share:.0%}", share, share),
        *(cell(get("steps_per_second")), cell(get("num_params"))),
    ]


def environment(entries: Entries) -> Section | None:
    """Return the versions, the commit and the number of devices, with all values that occur."""
    found: dict[str, list[str]] = {}
    for entry in entries.runs:
        told = dict(entry.summary.get("versions") or {})
        told |= {"commit": entry.summary.get("git_commit"), "devices": entry.summary.get("num_devices")}
        for key, value in told.items():
            if value is not None and str(value) not in found.setdefault(key, []):
                found[key].append(str(value))
    rows = [[Cell(key), Cell(", ".join(values))] for key, values in found.items() if values]
    return (
        Section("environment", "Environment", [Table("Versions", ["what", "value"], rows)]) if rows else None
    )


def again(entries: Entries, paths: Sequence[Path]) -> Section | None:
    """Return the commands that make the runs again: one for a sweep, and one for each run by itself."""
    commands: list[str] = []
    for path in paths:
        words = _sweep_words(path)
        if words is None:
            below = [
                entry
                for entry in entries.runs
                if path.resolve() in (entry.folder.resolve(), *entry.folder.resolve().parents)
            ]
            commands += [command_line(found) for entry in below if (found := _run_words(entry)) is not None]
        else:
            commands.append(command_line(["-m", *words]))
    commands = list(dict.fromkeys(commands))
    if not commands:
        return None
    parts: list[Part] = [Text("Command", "\n".join(commands), folded=len(commands) > 3)]
    return Section("again", "Make it again", parts)


def _sweep_words(folder: Path) -> list[str] | None:
    """Return the overrides of a sweep; None where the folder has none."""
    found = _yaml(folder / "multirun.yaml")
    try:
        overrides = found["hydra"]["overrides"]
        words = [*overrides["hydra"], *overrides["task"]]
    except (KeyError, TypeError):
        return None
    return [word for word in map(str, words) if not word.startswith(("hydra.mode=", "hydra.sweep.dir="))]


def _run_words(entry: Entry) -> list[str] | None:
    found = _yaml(entry.folder / ".hydra" / "overrides.yaml")
    return list(map(str, found)) if isinstance(found, list) else None


def _yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def log(entries: Entries) -> Section | None:
    """Return why runs did not finish, their warnings, and the end of the log of a run that failed."""
    names: dict[tuple[str, str], list[str]] = {}
    for entry in entries.runs:
        for told in _ended(entry) * (not entries.single) + _warned(entry):  # the headline says it of one run
            names.setdefault(told, []).append(entry.name)
    rows = [[Cell(kind), Cell(text), Cell(_some(runs))] for (kind, text), runs in names.items()]
    title = "Why runs did not finish, and warnings"
    parts: list[Part] = [Table(title, ["kind", "what", "runs"], rows)] if rows else []
    for entry in entries.runs:
        if (
            entry.run.status in ("failed", DAMAGED)
            and len(parts) < MOST_LOGS
            and (text := _log(entry.folder))
        ):
            parts.append(Text(f"End of the log of {entry.name}", text, folded=not entries.single))
    return Section("warnings", "Warnings", parts) if parts else None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _ended(entry: Entry) -> list[tuple[str, str]]:
    """Return the status of a run and its reason, unless it finished without one or a search pruned it."""
    reason = entry.summary.get("reason")
    if entry.run.status == "pruned":
        return []
    return [(entry.run.status, str(reason or ""))] if entry.run.status != "finished" or reason else []


def _warned(entry: Entry) -> list[tuple[str, str]]:
    """Return the operation in which a run diverged, and its warnings."""
    operation, warnings = entry.summary.get("operation"), entry.summary.get("warnings")
    found = [("operation", str(operation))] if operation else []
    return found + [("warning", str(one)) for one in (warnings if isinstance(warnings, list) else [])]


def _log(folder: Path) -> str:
    try:
        lines = (folder / "train.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-MOST_LINES:])
