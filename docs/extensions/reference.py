"""Tables that are made from the code when the site is built: `{generated} NAME` in a page.

The keys of the config come from the docstrings and YAML files that `python -m seqlab.train help` prints, the
tables of cells and tasks from the functions behind `python -m seqlab.cells` and `python -m seqlab.tasks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import yaml
from sphinx.util.docutils import SphinxDirective

from seqlab.cli.cells import describe_cells
from seqlab.cli.key_docs import KeyDoc, entries_of, option_doc, top_level_docs
from seqlab.cli.tasks import describe_tasks
from seqlab.registry import GROUPS, choices
from seqlab.types import ExitStatus

ROLE = re.compile(r":\w+:`([^`]*)`")
"""A role of Sphinx around a name, in the docstrings of other libraries."""


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


def keys(docs: Iterable[KeyDoc]) -> str:
    """Return the table of some keys."""
    rows = [(f"`{doc.key}`", f"`{_value(doc.default)}`", doc.kind, _plain(doc.meaning)) for doc in docs]
    return table(("key", "default", "legal", "meaning"), rows) if rows else "It has no keys.\n"


def _plain(text: str) -> str:
    """Return a docstring of another library without the roles of Sphinx."""
    return ROLE.sub(r"`\1`", text)


def _value(value: object) -> str:
    """Return a value as it is written on the command line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
    return re.sub(r"^'(.*)'$", r"\1", text) or "''"


def options(groups: Iterable[str]) -> str:
    """Return the options of some groups, each with its keys."""
    return "\n".join(part for group in groups for part in _options(group))


def _options(group: str) -> Iterator[str]:
    yield f"## `{group}=`\n"
    for name in choices(group):
        doc = option_doc(group, name)
        target = f" (`{doc.target}`)" if doc.target else ""
        yield f"### `{group}={name}`\n\n{_plain(doc.summary)}{target}\n\n{keys(doc.keys)}"


def experiments() -> str:
    """Return the table of experiments."""
    rows = [
        (f"`+experiment={name}`", option_doc("experiment", name).summary) for name in choices("experiment")
    ]
    return table(("experiment", "is"), rows)


def statuses() -> str:
    """Return the table of exit statuses."""
    meanings = entries_of(ExitStatus)
    return table(("status", "means"), [(str(int(status)), meanings[status.name]) for status in ExitStatus])


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
    "top-level-keys": lambda: keys(top_level_docs()),
    "keys": lambda: options([*(group for group in GROUPS if group != "task"), "debug"]),
    "task-keys": lambda: options(["task"]),
    "launchers": lambda: options(["hydra/launcher", "hydra/sweeper"]),
    "experiments": experiments,
    "cells": lambda: of_rich(describe_cells()),
    "tasks": lambda: of_rich(describe_tasks()),
    "exit-statuses": statuses,
}
