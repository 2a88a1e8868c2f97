"""Table of applications: recurrent networks on real data, compared with simple baselines.

    python scripts/run_applications.py                       # trains every preset that needs no hub
    python scripts/run_applications.py sms_spam co2          # trains these experiments
    python scripts/run_applications.py runs/2026-01-31/…     # reads a finished run

Each experiment runs in its own process. Its test metrics at the best validation are stored as a row of
`experiments/applications/results.json` and replace an older row of the same experiment. After every run the
table in `experiments/applications/README.md` is written again from all rows.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from seqlab.analysis.studies.markers import write_between_markers
from seqlab.cli.command import command
from seqlab.registry import CONF
from seqlab.runs import load
from seqlab.tasks import load_task
from seqlab.tracking import read_summary
from seqlab.types import ConfigError

FOLDER = Path(__file__).parents[1] / "experiments" / "applications"
COLUMNS = ("task", "cell", "metric", "baselines", "ours", "minutes", "command")


def presets() -> list[str]:
    """List the experiments that train the task of the same name on data that need no hub."""
    names = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
    return [name for name in names if (CONF / "task" / f"{name}.yaml").is_file() and _has_data(name)]


def _has_data(name: str) -> bool:
    task = load_task(name)
    if task.reader is not None:
        return task.reader.offline and task.reader.source is not None
    return task.licence != "generated"


def train(name: str) -> Path:
    """Run an experiment and return its folder.

    Raises:
        ConfigError: there is none of that name, or it did not finish.
    """
    if not (CONF / "experiment" / f"{name}.yaml").is_file():
        legal = ", ".join(presets())
        raise ConfigError(f"NAME={name} is neither a run's folder nor an experiment, such as {legal}")
    folder = Path("runs", "applications", f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}_{name}")
    words = [sys.executable, "-m", "seqlab.train", f"+experiment={name}", f"hydra.run.dir={folder}"]
    if subprocess.run(words, check=False).returncode:
        raise ConfigError(f"{name} did not finish: see {folder}")
    return folder


def row_of(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the experiment of a finished run (or its task, if there is none) and its row.

    Raises:
        ConfigError: the run did not finish.
    """
    summary = read_summary(folder)
    if summary["status"] != "finished":
        raise ConfigError(f"{folder} is {summary['status']}: {summary['reason']}")
    task, architecture = load(folder)[0].task, summary["architecture"]
    overrides = OmegaConf.load(folder / ".hydra" / "overrides.yaml")
    given = [word for word in overrides if not word.startswith(("hydra.", "tracking."))]
    return summary.get("experiment") or summary["task"], {
        "task": summary["task"],
        "cell": _network(summary["cell"], OmegaConf.load(folder / ".hydra" / "config.yaml").architecture),
        "metric": summary["metric"],
        "higher_is_better": summary["higher_is_better"],
        "baselines": {
            summary["baseline"]: summary["chance"],
            **task.baselines("test", architecture),
        },
        "ours": summary["test"][f"test/{summary['metric']}"],
        "minutes": summary["seconds"] / 60,
        "command": shlex.join(["python", "-m", "seqlab.train", *given]),
    }


def _network(cell: str, architecture: Mapping[str, Any]) -> str:
    """Return the name of a cell, with what its architecture adds to one layer in one direction."""
    layers, attention = architecture["num_layers"], architecture.get("attention")
    traits = (
        f"{layers} layers" if layers > 1 else "",
        "bidirectional" if architecture.get("bidirectional") else "",
        f"{attention} attention" if attention else "",
    )
    return ", ".join([f"`{cell}`", *filter(None, traits)])


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a table; a result that beats every baseline, in the digits shown, is bold."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *map(_cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Mapping[str, Any]) -> list[str]:
    shown = {name: f"{value:.4g}" for name, value in row["baselines"].items()}
    ours, sign = f"{row['ours']:.4g}", 1 if row["higher_is_better"] else -1
    better = all(sign * float(ours) > sign * float(beside) for beside in shown.values())
    return [
        f"`{row['task']}`",
        row["cell"],
        row["metric"],
        "; ".join(f"{value} {name}" for name, value in shown.items()),
        f"**{ours}**" if better else ours,
        f"{row['minutes']:.1f}",
        f"`{row['command']}`",
    ]


def keep(folder: Path, name: str, row: Mapping[str, Any]) -> None:
    """Add a row to those that a folder stores, and write its table again."""
    file = folder / "results.json"
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    rows = dict(sorted({**rows, name: row}.items()))
    file.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_between_markers(folder / "README.md", "applications", table(rows.values()))


@command
def main() -> None:
    """Run experiments, or read finished runs, and write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="an experiment, or the folder of a run")
    failures = []
    for name in parser.parse_args().names or presets():
        try:
            keep(FOLDER, *row_of(Path(name) if Path(name, "summary.json").is_file() else train(name)))
        except ConfigError as error:
            failures.append(str(error))
    if failures:
        raise ConfigError("; ".join(failures))


if __name__ == "__main__":
    main()
