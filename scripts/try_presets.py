"""Table of the generic experiments on small made sources: does each learn, at five seeds?

    python scripts/try_presets.py                     # every experiment
    python scripts/try_presets.py captions series     # these
    python scripts/try_presets.py captions --source coloured_shapes

Each source is written, and its five runs are trained through the command line as one vectorised sweep. A row
of `experiments/applications/presets.json` has what they reached on the test split with the parameters that
were best on validation. `experiments/applications/presets.md` has the table of all rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import made_signals as signals
import made_sources as texts
import numpy as np

from seqlab.analysis.studies.markers import write_between_markers
from seqlab.cli.command import command
from seqlab.tracking import read_summary
from seqlab.types import ConfigError

FOLDER = Path(__file__).parents[1] / "experiments" / "applications"
SEEDS = range(5)
COLUMNS = ("experiment", "source", "metric", "baseline", "goal", "five seeds", "reached", "steps", "seconds")

Writer = Callable[[Path, np.random.Generator], Path]

SOURCES: dict[str, tuple[Writer, ...]] = {
    "text_classification": (texts.by_keyword, texts.by_order, texts.by_length),
    "text_corpus": (texts.names, texts.counts, texts.days),
    "text_pairs": (texts.dictionary, texts.reversal, texts.passive),
    "tagging": (texts.titles, texts.noun_or_verb, texts.switches),
    "captions": (texts.coloured_shapes, texts.places, texts.two_shapes),
    "labelled_images": (texts.shapes, texts.stripes, texts.bright_side),
    "labelled_series": (signals.wave_forms, signals.order_of_bumps, signals.leads),
    "labelled_sounds": (signals.pitches, signals.glides, signals.rhythms),
    "series": (signals.noisy_sine, signals.two_sines, signals.triangles),
    "transcription": (signals.letters_by_pitch, signals.letters_by_length, signals.letters_by_glide),
    "piano_roll": (signals.arpeggios, signals.scales, signals.progressions),
    "frames": (signals.directions, signals.turns, signals.speeds),
}

SETTINGS: dict[str, tuple[str, ...]] = {
    "text_classification": ("gradients=off", "task.length=16"),
    "text_corpus": (
        *("gradients=off", "task.length=64", "training.steps=300", "training.eval_every=100"),
        "training.sample_length=0",
    ),
    "text_pairs": (
        *("gradients=off", "task.length=8", "task.target_length=10"),
        *("training.steps=500", "training.eval_every=250"),
    ),
    "tagging": ("gradients=off", "task.length=16", "training.steps=300"),
    "captions": ("task.length=10",),
    "labelled_series": ("gradients=off",),
    "labelled_sounds": ("gradients=off", "task.rate=8000"),
    "series": ("training.steps=400",),
    "transcription": ("gradients=off", "task.rate=8000", "training.steps=600", "training.eval_every=200"),
    "piano_roll": ("gradients=off", "task.length=40", "training.steps=300", "training.sample_length=0"),
    "frames": ("task.height=16", "task.width=16", "task.length=8"),
}
"""The keys that differ from the experiment: what fits the source, and fewer steps where they are enough."""


def try_source(experiment: str, write: Writer) -> dict[str, Any]:
    """Train an experiment on a source, and return the row of its runs.

    Raises:
        ConfigError: a run did not finish.
    """
    with tempfile.TemporaryDirectory(prefix="seqlab-presets-") as place:
        source = write(Path(place), np.random.default_rng(0))
        words = [
            *(sys.executable, "-m", "seqlab.train", "-m", f"+experiment={experiment}"),
            *(f"task.source={source}", f"hydra.sweep.dir={place}/sweep", "hydra/launcher=vectorized"),
            *("seed=" + ",".join(map(str, SEEDS)), *SETTINGS.get(experiment, ())),
            *("tracking.wandb.mode=disabled", "tracking.console.mode=off"),
        ]
        begun = time.perf_counter()
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        seconds = time.perf_counter() - begun
        if done.returncode:
            raise ConfigError(
                f"{experiment} on {write.__name__} did not finish: {done.stderr.strip()[-500:]}"
            )
        summaries = [read_summary(Path(place, "sweep", str(seed))) for seed in SEEDS]
    first = summaries[0]
    return {
        "experiment": experiment,
        "source": (write.__doc__ or "").splitlines()[0].removesuffix("."),
        "metric": first["metric"],
        "baseline": first["chance"],
        "goal": first["solved_at"],
        "baselines": first["baselines"],
        "scores": [summary["test"][f"test/{summary['metric']}"] for summary in summaries],
        "reached": [summary["solved"] for summary in summaries],
        "warnings": sorted({sentence for summary in summaries for sentence in summary.get("warnings", ())}),
        "steps": [summary["steps"] for summary in summaries],
        "seconds": seconds,
    }


def page(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of rows."""
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    for experiment in SOURCES:
        lines += [_cells(row) for row in rows.values() if row["experiment"] == experiment]
    reached = sum(sum(row["reached"]) for row in rows.values())
    runs = sum(len(row["reached"]) for row in rows.values())
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{reached} of {runs} runs reach their goal.\n\n{table}"


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        f"`{row['experiment']}`",
        row["source"],
        row["metric"],
        f"{row['baseline']:.3g}",
        f"{row['goal']:.3g}",
        " ".join(f"{score:.3g}" for score in row["scores"]),
        f"{sum(row['reached'])}/{len(row['reached'])}",
        "–".join(map(str, sorted({min(row["steps"]), max(row["steps"])}))),
        f"{row['seconds']:.0f}",
    ]


def keep(name: str, row: Mapping[str, Any]) -> None:
    """Add a row to those that are stored, and write the table again."""
    file = FOLDER / "presets.json"
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    rows = {**rows, name: row}
    file.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_between_markers(FOLDER / "presets.md", "presets", page(rows))


@command
def main() -> None:
    """Train the generic experiments on made sources, and write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", metavar="EXPERIMENT", nargs="*", help=f"of {', '.join(SOURCES)}")
    parser.add_argument("--source", metavar="NAME", help="the name of the function of one source")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SOURCES):
        raise ConfigError(f"EXPERIMENT must be of {', '.join(SOURCES)}, got {', '.join(sorted(unknown))}")
    for experiment in arguments.names or SOURCES:
        for write in SOURCES[experiment]:
            if arguments.source in (None, write.__name__):
                row = try_source(experiment, write)
                print(" | ".join(_cells(row)), *row["warnings"], sep="\n  ", flush=True)
                keep(f"{experiment}/{write.__name__}", row)


if __name__ == "__main__":
    main()
