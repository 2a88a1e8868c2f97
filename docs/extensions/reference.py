"""Tables that are made from the code when the site is built: `{generated} NAME` in a page.

They come from the functions behind `python -m seqlab.cells` and `python -m seqlab.tasks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sphinx.util.docutils import SphinxDirective

from seqlab.cli.cells import describe_cells
from seqlab.cli.tasks import describe_tasks


def setup(app):
    """Register the directive with Sphinx."""
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True}


class Generated(SphinxDirective):
    """The table of a name in `TABLES`, in Markdown."""

    required_arguments = 1

    def run(self):
        """Return the nodes of the table."""
        text = TABLES[self.arguments[0]]()
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", str(text)).strip().replace("|", "\\|")


def of_rich(described) -> str:
    """Return a table of the command line in Markdown."""
    cells = zip(*(column.cells for column in described.columns), strict=True)
    header = [str(column.header) for column in described.columns]
    return table(header, [[_code(name), *rest] for name, *rest in ([*map(_lines, row)] for row in cells)])


def _lines(cell) -> str:
    text = str(cell).strip()
    return (
        "<br>".join(f"`{line.strip()}`" for line in text.splitlines())
        if "\n" in text or "=" in text
        else text
    )


def _code(name: str) -> str:
    return f"`{name}`"


TABLES: dict[str, Callable[[], str]] = {
    "cells": lambda: of_rich(describe_cells()),
    "tasks": lambda: of_rich(describe_tasks()),
}
