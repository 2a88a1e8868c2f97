"""Evaluate: `python -m seqlab.evaluate RUN_DIR [--split test] [--lengths 41,100,500] [--json]`."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import rich.console
import rich.table

from seqlab.build import load
from seqlab.commands import command
from seqlab.tasks import SPLITS
from seqlab.training import Program
from seqlab.training.rows import evaluation_row
from seqlab.types import ConfigError, Params


def evaluate(program: Program, params: Params, split: str) -> dict[str, float]:
    """Return the loss and the metrics over a split, as `<split>/<metric>`."""
    means = jax.jit(functools.partial(program.evaluate, split=split))(params, program.task.data)
    return evaluation_row(jax.device_get(means), split)


def at_length(program: Program, length: int) -> Program:
    """Return the program on examples of one length alone.

    Raises:
        ConfigError: the task has no length, or not this one, or the network reads one length only.
    """
    fields = {field.name for field in dataclasses.fields(program.task)}
    if "length" not in fields:
        raise ConfigError(f"--lengths does not apply: task {program.task.name} has no length")
    if program.architecture == "one_to_one":
        raise ConfigError("--lengths does not apply: architecture one_to_one reads one length only")
    lengths = {name: length for name in ("length", "min_length") if name in fields}
    try:
        return dataclasses.replace(program, task=dataclasses.replace(program.task, **lengths))
    except ValueError as error:
        raise ConfigError(f"--lengths: {error}") from error


@command
def main() -> None:
    """Print the metrics of a run's best checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m seqlab.evaluate", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--lengths", type=_lengths, help="evaluate at each of these lengths: 41,100,500")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    program, params = load(options.run)
    if options.lengths:
        rows = [
            {"length": length, **evaluate(at_length(program, length), params, options.split)}
            for length in options.lengths
        ]
    else:
        rows = [evaluate(program, params, options.split)]
    if options.json:
        print(json.dumps(rows if options.lengths else rows[0]))
    else:
        rich.console.Console().print(_table(rows))


def _table(rows: Sequence[dict[str, Any]]) -> rich.table.Table:
    table = rich.table.Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.4g}" for value in row.values()))
    return table


def _lengths(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be whole numbers joined by commas, got {text!r}") from None


if __name__ == "__main__":
    main()
