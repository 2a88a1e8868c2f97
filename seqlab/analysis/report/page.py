"""The page: sections of all runs, rendered by Jinja into one HTML file with Plotly inside."""

from __future__ import annotations

import collections
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import markupsafe
from plotly.offline import get_plotlyjs

from seqlab.analysis.report import template
from seqlab.analysis.report.curves import style
from seqlab.analysis.report.entries import Entries, entries_of, read
from seqlab.analysis.report.headline import compared, details, headline
from seqlab.analysis.report.parts import Chart, Section, cell
from seqlab.analysis.report.sections import (
    facts,
    flow,
    gates,
    learning,
    lengths,
    predictions,
    samples,
    search,
    sweep,
)
from seqlab.analysis.sweep_runs import SweepRun
from seqlab.runs.folders import folder_of_all
from seqlab.tracking import write_atomically
from seqlab.types import ConfigError

NAME = "report.html"
"""The name of the file."""

_DAMAGED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What a section raises where a file of a run holds something else than runs write."""

_log = logging.getLogger(__name__)


def write_report(paths: Sequence[str | Path] | str | Path, output: str | Path | None = None) -> Path:
    """Write a report on the runs below some folders: one HTML file that needs no network.

    Only the run folders are read, so runs may have ended in any way or still be training.

    Args:
        paths: folders of runs and of sweeps, or one of them.
        output: the file; None for `report.html` in the folder, or in the one that holds all of several.

    Returns:
        The file.

    Raises:
        ConfigError: a folder holds no run, or the file cannot be written.
    """
    folders = [Path(path) for path in ([paths] if isinstance(paths, (str, Path)) else paths)]
    if not folders:
        raise ConfigError("PATH is missing: legal are folders of runs and of sweeps")
    path = Path(output) if output is not None else folder_of_all(folders) / NAME
    if path.is_dir():
        raise ConfigError(f"--output={path} is a folder: legal is the name of a file")
    text = render(read(folders), folders)
    try:
        write_atomically(path, text)
    except OSError as error:
        raise ConfigError(f"--output={path} cannot be written: {error.strerror}") from error
    return path


def write_sweep_report(folder: Path, runs: Sequence[SweepRun]) -> Path:
    """Write the report of a sweep, whose runs were read already, into its folder, and return the file."""
    write_atomically(folder / NAME, render(entries_of(runs), [folder]))
    return folder / NAME


def render(entries: Entries, paths: Sequence[Path]) -> str:
    """Return the page of all runs as HTML."""
    pairs = compared(entries, paths)
    sections = _sections(entries, paths, pairs)
    charts = [part for section in sections for part in section.parts if isinstance(part, Chart)]
    drawn = {number for panel in entries.panels.values() for number in panel}
    return template.render(
        template.REPORT,
        title=_title(entries, paths),
        headline=headline(entries),
        details=details(entries, pairs),
        facts=_key_facts(entries),
        notes=_notes(entries),
        sections=sections,
        panels=list(entries.panels),
        labels=[(str(place), entries.labels[place], style(place)) for place in sorted(drawn)],
        several=entries.single is None,
        each=not entries.is_large,
        number_of=charts.index,
        figures=template.as_json([chart.figure for chart in charts]),
        plotly=markupsafe.Markup(get_plotlyjs()),
        written=time.strftime("%Y-%m-%d %H:%M:%S"),
    )


def _sections(entries: Entries, paths: Sequence[Path], pairs: Sequence[dict[str, Any]]) -> list[Section]:
    makers: Sequence[Callable[[Entries], Section | None]] = (
        lambda entries: sweep.groups(entries, pairs),
        facts.log,
        learning.learning,
        samples.baselines,
        flow.flow,
        gates.gates,
        gates.jacobian,
        lengths.lengths,
        predictions.predictions,
        samples.samples,
        lambda entries: search.search(entries, paths),
        sweep.runs,
        facts.config,
        facts.data,
        facts.timing,
        facts.environment,
        lambda entries: facts.again(entries, paths),
    )
    made: list[Section] = []
    complaints: list[str] = []
    for make in makers:
        try:
            section = make(entries)
        except _DAMAGED as error:
            complaints.append(f"{type(error).__name__}: {error}")
        else:
            made += [] if section is None else [section]
    if complaints:
        says = f"Sections are left out, as files of the runs are damaged: {'; '.join(complaints)}"
        _log.warning(says)
        made.append(Section("left-out", "Left out", [], says))
    return made


def _title(entries: Entries, paths: Sequence[Path]) -> str:
    if entries.single:
        summary = entries.single.summary
        named = [
            str(summary[key]) for key in ("cell", "architecture", "task") if summary.get(key) is not None
        ]
        name = summary.get("name") or entries.single.name
        return f"{' '.join(named)} · {name}" if named else str(name)
    return ", ".join("/".join(path.resolve().parts[-2:]) for path in paths[:3]) + (
        " …" if len(paths) > 3 else ""
    )


def _notes(entries: Entries) -> list[str]:
    """Return the notes that users wrote about the runs."""
    found = dict.fromkeys(str(entry.summary["notes"]) for entry in entries.runs if entry.summary.get("notes"))
    return list(found)[:5]


def _key_facts(entries: Entries) -> list[tuple[str, str]]:
    """Return the few numbers that stand under the headline."""
    if not entries.single:
        counts = collections.Counter(entry.run.status for entry in entries.runs)
        return [("runs", str(len(entries.runs))), *((status, str(count)) for status, count in counts.items())]
    run, get = entries.single.run, entries.single.summary.get
    metric = get("metric")
    told = [
        ("status", run.status),
        (f"test {metric}", cell(run.score("test")).text),
        ("best validation", cell(run.score("best")).text),
        ("baseline", cell(get("chance")).text),
        ("solved at", cell(get("solved_at")).text),
        ("steps", cell(get("steps")).text),
        ("parameters", cell(get("num_params")).text),
        ("state size", cell(get("state_size")).text),
        ("seconds", cell(get("seconds")).text),
    ]
    return [(name, text) for name, text in told if text]
