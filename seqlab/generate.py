"""Generate: `python -m seqlab.generate RUN_DIR [--prompt TEXT] [--length N] [--temperature X] [--seed S]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from seqlab.build import load
from seqlab.commands import command
from seqlab.training import natural_length, write_sample
from seqlab.types import ConfigError


@command
def main() -> None:
    """Print what a run's best network writes."""
    parser = argparse.ArgumentParser(prog="python -m seqlab.generate", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    parser.add_argument("--prompt", help="what to go on from; by default the first validation example")
    parser.add_argument("--length", type=int, help="how many outputs; by default a whole example, or 200")
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="divides the logits; 0 takes the most probable"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    options = parser.parse_args()
    if options.temperature < 0:
        raise ConfigError(f"--temperature must be at least 0, got {options.temperature}")
    if options.length is not None and options.length < 1:
        raise ConfigError(f"--length must be a positive integer, got {options.length}")
    program, params = load(options.run)
    length = options.length or natural_length(program)
    print(write_sample(program, params, length, options.prompt, options.temperature, options.seed))


if __name__ == "__main__":
    main()
