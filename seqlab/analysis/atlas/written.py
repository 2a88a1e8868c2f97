"""Files of the atlas: the page, the tables, and the figure and text of its README."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqlab.analysis.atlas.collection import Collection, collect, write_tables
from seqlab.analysis.atlas.families import in_order
from seqlab.analysis.atlas.figure import matrices
from seqlab.analysis.atlas.measures import Judgement
from seqlab.analysis.atlas.page import atlas_page, headline
from seqlab.analysis.markdown import markdown
from seqlab.tracking import write_atomically
from seqlab.tracking.lines import number

PAGE = "index.html"


def write_atlas(
    sweeps: Sequence[str | Path],
    folder: str | Path,
    judgement: Judgement | None = None,
    reference: str = "lstm",
) -> tuple[Any, str]:
    """Write the page and the tables of the runs below some folders.

    Runs may be unfinished, and the sweeps may be parts of one atlas that several machines trained. What is
    measured of a run is kept in its folder.

    Args:
        sweeps: the folders of the sweeps.
        folder: where the page and the tables are written.
        judgement: the settings of the evaluation beyond the trained lengths; None for the defaults.
        reference: the model that others are compared with.

    Returns:
        The figure, and the text of the README.

    Raises:
        ConfigError: there is no run below the folders.
    """
    found, folder = collect(sweeps, judgement or Judgement(), reference), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(found, folder)
    write_atomically(folder / PAGE, atlas_page(found))
    return matrices(found.lines), _text(found)


def _text(found: Collection) -> str:
    """Return the main finding, a row a model, and the counts, as Markdown."""
    rows = {row["model"]: row for row in found.models}
    table = markdown([_row(rows[name], found.reference) for name in in_order(list(rows), "models")])
    counts = ", ".join(f"{count} {status}" for status, count in found.counts.items())
    commands = "".join(f"\n    {command}" for command in found.commands)
    return f"{headline(found)}\n\n{table}\n\nRuns: {counts}.\n{commands}"


def _row(row: dict[str, Any], reference: str) -> dict[str, str]:
    def text(key: str) -> str:
        return "–" if row[key] is None else number(row[key], 3)

    ends = "" if row["difference_low"] is None else f" [{text('difference_low')}, {text('difference_high')}]"
    is_reference = row["model"] == reference
    return {
        "model": row["model"],
        "runs": str(row["runs"]),
        "problems": str(row["problems"]),
        "solved by most seeds": str(row["solved"]),
        "skill": text("skill"),
        "skill beyond": text("beyond_skill"),
        f"less {reference}'s skill": "–" if is_reference else text("difference") + ends,
        "p, corrected": text("p_corrected"),
    }
