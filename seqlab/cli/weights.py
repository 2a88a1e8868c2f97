"""Export of a run's weights: `python -m seqlab.weights export RUN_DIR --to torch FILE.npz`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from seqlab.architectures import Recurrent
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.runs import load
from seqlab.types import ConfigError
from seqlab.weights.export import LIBRARIES, export


@command
def main() -> None:
    """Write the best parameters of a run in another library's layout."""
    parser = Parser(prog="python -m seqlab.weights", description=main.__doc__)
    commands = parser.add_subparsers(required=True, metavar="export")
    exporting = commands.add_parser("export", description=main.__doc__, help=main.__doc__)
    exporting.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    exporting.add_argument("file", metavar="FILE.npz", type=_npz, help="the file to write")
    exporting.add_argument("--to", required=True, choices=LIBRARIES, help="whose layout")
    options = parser.parse_args()
    program, params = load(options.run)
    network = program.network
    if not isinstance(network, Recurrent) or "recurrence" not in params:
        raise ConfigError(
            f"RUN_DIR={options.run} cannot be exported: its framing is {network.framing}, "
            "legal are one_to_many, many_to_one, many_to_many"
        )
    try:
        arrays = export(network.stack, params, options.to)
    except ValueError as error:
        raise ConfigError(f"--to {options.to}: {error}") from error
    try:
        np.savez(options.file, allow_pickle=False, **arrays)
    except OSError as error:
        raise ConfigError(f"FILE.npz={options.file} cannot be written: {error.strerror}") from error
    print(f"{options.file}: {len(arrays)} arrays, {sum(array.size for array in arrays.values()):,} numbers")
    for name, array in arrays.items():
        print(f"  {name} {array.shape}")


def _npz(text: str) -> Path:
    if not text.endswith(".npz"):
        raise argparse.ArgumentTypeError(f"must end in .npz, got {text!r}")
    return Path(text)
