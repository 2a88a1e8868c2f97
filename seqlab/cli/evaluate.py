"""Evaluation: the metrics of a run's best parameters on a split, or at each of some lengths."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import rich.table

from seqlab.analysis.by_length import draw, write_csv
from seqlab.analysis.class_figures import draw_confusion, draw_reliability
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.cli.frames import ENDINGS, PICTURES, require_ending, write_frame
from seqlab.runs import load_run
from seqlab.runs.by_length import read_lengths
from seqlab.runs.class_predictions import ClassPredictions
from seqlab.runs.file_prediction import predict_labelled
from seqlab.runs.trained_run import TrainedRun
from seqlab.tasks import SPLITS
from seqlab.tracking.figure_style import save
from seqlab.tracking.screen import standard_output
from seqlab.types import ConfigError

MAX_ROWS = 25
"""The most lengths that are printed; the file holds all of them."""


@command
def main() -> None:
    """Print the metrics of a run's best checkpoint."""
    parser = Parser(prog="python -m seqlab.evaluate", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--source", type=Path, help="evaluate on this labelled file or folder instead")
    parser.add_argument("--errors", type=Path, help="write the rows of --source that are answered wrong")
    parser.add_argument("--confusion", type=Path, help="write how often each class is predicted as each")
    parser.add_argument("--reliability", type=Path, help="write accuracy by confidence")
    form = "41:500, both ends included, or 41,100,500, or 100:500:100"
    parser.add_argument("--lengths", type=_lengths, help=f"evaluate at each of these lengths: {form}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    _check(options)
    run = load_run(options.run)
    if options.lengths:
        _evaluate_lengths(run, options)
        return
    _print(run.evaluate(options.source or options.split), options.json)
    if any(path is not None for path in (options.errors, options.confusion, options.reliability)):
        _write_answers(run, options)


def _check(options: argparse.Namespace) -> None:
    """Raise ConfigError where options do not go together, or a file cannot be written."""
    require_ending(options.errors, read=options.source)
    require_ending(options.confusion, ENDINGS + PICTURES, options.source)
    require_ending(options.reliability, ENDINGS + PICTURES, options.source)
    if options.errors is not None and options.source is None:
        raise ConfigError("--errors needs --source, a labelled file")
    for key in ("source", "errors", "confusion", "reliability"):
        if options.lengths and getattr(options, key) is not None:
            raise ConfigError(f"--{key} does not go with --lengths")


def _evaluate_lengths(run: TrainedRun, options: argparse.Namespace) -> None:
    """Print the metrics at each length, and write table and figure into the run folder."""
    found = run.evaluate(options.split, options.lengths)
    table = options.run / f"lengths_{found.name}.csv"
    try:
        write_csv(table, found)
        pictures = save(draw(found), table.with_suffix(".png"))
    except OSError as error:
        raise ConfigError(f"RUN_DIR={options.run} cannot be written: {error.strerror}") from error
    _print(found.rows, options.json)
    for note in found.notes:
        print(note, file=sys.stderr)
    if not options.json:
        print(f"{options.split}/{found.goal.metric}, mean over the lengths: {found.score:.4g}")
        print(f"table and figure: {', '.join(map(str, [table, *pictures]))}")


def _write_answers(run: TrainedRun, options: argparse.Namespace) -> None:
    """Write the rows of `--source` that are answered wrong, and confusions and reliability."""
    if options.source is None:
        _write_classes(run.class_predictions(options.split), options)
        return
    labelled = predict_labelled(run, options.source)
    if options.errors is not None:
        write_frame(labelled.errors(), options.errors)
    if options.confusion is not None or options.reliability is not None:
        _write_classes(labelled.classes, options)


def _write_classes(found: ClassPredictions, options: argparse.Namespace) -> None:
    """Write confusions and reliability, as tables or as pictures by the endings of the files."""
    tables = {"confusion": lambda: found.confusion().reset_index(), "reliability": found.reliability}
    pictures = {"confusion": draw_confusion, "reliability": draw_reliability}
    for key, table in tables.items():
        path = getattr(options, key)
        if path is None:
            continue
        if path.suffix in PICTURES:
            try:
                pictures[key](found).savefig(path, bbox_inches="tight")
            except OSError as error:
                raise ConfigError(f"--{key}={path} cannot be written: {error.strerror or error}") from error
        else:
            write_frame(table(), path)


def _print(rows: Sequence[Mapping[str, float]] | Mapping[str, float], as_json: bool) -> None:
    """Print metrics, or a table of them by length; a long table is thinned evenly."""
    if as_json:
        print(json.dumps(rows))
        return
    rows = [rows] if isinstance(rows, Mapping) else rows
    table = rich.table.Table(*rows[0])
    for row in rows[:: math.ceil(len(rows) / MAX_ROWS)]:
        table.add_row(*(f"{value:.4g}" for value in row.values()))
    standard_output().print(table)


def _lengths(text: str) -> list[int]:
    try:
        return read_lengths(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
