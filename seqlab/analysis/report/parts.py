"""Parts of a report: charts, tables, texts, and the sections that hold them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from seqlab.tracking.lines import number

DIGITS = 4
"""The significant digits of a number in a chart: more than a screen shows."""


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart that Plotly draws.

    Attributes:
        title: what it shows, in a few words.
        says: what a reader should see in it, in a sentence; a screen reader reads it.
        data: the traces, as Plotly's JSON. `legendgroup` is the number of a trace's group of runs.
        layout: further keys of Plotly's layout.
        panel: the task and the architecture that it belongs to; empty for none.
        group: the number of the group of runs that it shows alone; None for several.
        wide: whether it takes the whole width.
    """

    title: str
    says: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    panel: str = ""
    group: int | None = None
    wide: bool = False
    kind: ClassVar[str] = "chart"

    @property
    def figure(self) -> dict[str, Any]:
        """The figure as Plotly's JSON."""
        return {"data": list(self.data), "layout": dict(self.layout)}


class Cell(NamedTuple):
    """A cell of a table.

    Attributes:
        text: what it shows.
        order: what it is sorted by: a number, or else its text.
        share: from 0 to 1, how strongly it is coloured; None for no colour.
        href: where it leads; empty for nowhere.
    """

    text: str
    order: float | None = None
    share: float | None = None
    href: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: what it holds.
        columns: the heads of its columns.
        rows: the cells of each row.
        sortable: whether a reader can sort and filter it.
        folded: whether it is closed until a reader opens it.
        says: a sentence above the table; empty for none.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    sortable: bool = False
    folded: bool = False
    says: str = ""
    kind: ClassVar[str] = "table"


@dataclasses.dataclass(frozen=True)
class Text:
    """A text of a run, such as a sample or a command, with its line breaks.

    Attributes:
        title: what it is.
        text: the text.
        folded: whether it is closed until a reader opens it.
    """

    title: str
    text: str
    folded: bool = False
    kind: ClassVar[str] = "text"


@dataclasses.dataclass(frozen=True)
class ColourScale:
    """The scale of colours that several heat maps share.

    Attributes:
        ends: what the first, the middle and the last colour mean.
    """

    ends: tuple[str, str, str]
    kind: ClassVar[str] = "scale"


Part = Chart | Table | Text | ColourScale


class Section(NamedTuple):
    """A section of a report.

    Attributes:
        name: the anchor.
        title: its heading.
        parts: what it holds.
        says: sentences that introduce it.
    """

    name: str
    title: str
    parts: Sequence[Part]
    says: str = ""


def cell(value: Any) -> Cell:
    """Return the cell of a value: numbers with few digits, and nothing for None."""
    if value is None or value != value:
        return Cell("")
    if isinstance(value, bool):
        return Cell("yes" if value else "no", float(value))
    if isinstance(value, int):
        return Cell(f"{value:,}" if abs(value) >= 10_000 else str(value), float(value))
    if isinstance(value, float):
        return Cell(number(value), value if math.isfinite(value) else None)
    return Cell(str(value))


def compact(values: Iterable[Any]) -> list[float | int | None]:
    """Return numbers with `DIGITS` digits for JSON; None in place of those that are not finite."""
    return [_short(float(value)) for value in values]


def _short(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    if value == int(value) and abs(value) < 1e15:
        return int(value)
    return float(f"{value:.{DIGITS}g}")
