"""Generate: `python -m seqlab.generate RUN_DIR [--prompt TEXT] [--length N] [--temperature X | --beam K]`.

A network that answers what it reads, and cannot read that back, answers the prompt: its class, its tags, its
forecast.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.cli.command import command
from seqlab.generation.decoding import Beam, Sampling
from seqlab.generation.generate import answer, can_generate, generate
from seqlab.runs.objects import load
from seqlab.tasks import Task
from seqlab.tasks._saving import Saving
from seqlab.training import Program
from seqlab.types import ConfigError


@command
def main() -> None:
    """Print what a run's best network writes, and save it where it is music; or answers to the prompt."""
    parser = argparse.ArgumentParser(prog="python -m seqlab.generate", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    parser.add_argument("--prompt", help="what to read first; by default the first validation example")
    parser.add_argument("--length", type=int, help="how many outputs; by default a whole example, or 200")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="where to save music; by default generated.mid in the run"
    )
    sampling = parser.add_argument_group("sampling, the default")
    sampling.add_argument(
        "--temperature", type=float, help="divides the logits; 0 takes the likeliest; default 1"
    )
    sampling.add_argument(
        "--top-k", type=int, help="how many of the likeliest symbols to draw from; default all"
    )
    sampling.add_argument("--top-p", type=float, help="the probability that they must reach; default 1")
    sampling.add_argument("--seed", type=int, help="of the samples; default 0")
    searching = parser.add_argument_group("beam search")
    searching.add_argument("--beam", type=int, help="how many sequences are kept at each step")
    searching.add_argument("--length-penalty", type=float, help="above 0 prefers longer sequences; default 0")
    options = parser.parse_args()
    if options.length is not None and options.length < 1:
        raise ConfigError(f"--length must be a positive integer, got {options.length}")
    decoding = _decoding(options)
    program, params = load(options.run)
    task, network = program.task, program.network
    if not can_generate(task, network):
        _refuse_writing(program, options)
        print(answer(task, network, params, options.prompt))
        return
    output = _output(task, options)
    sequence = generate(task, network, params, options.length, options.prompt, decoding, options.seed or 0)
    print(task.render(sequence, network.framing))
    if output is not None:
        _save(task, sequence, output)
        print(output)


def _refuse_writing(program: Program, options: argparse.Namespace) -> None:
    """Raise ConfigError where an option is given that is for what is written step by step, or no prompt."""
    own = f"task={program.task.name} with architecture={program.network.framing} answers once"
    for name, value in vars(options).items():
        if name not in ("run", "prompt") and value is not None:
            raise ConfigError(f"--{name.replace('_', '-')} does not apply: {own}")
    if options.prompt is None:
        raise ConfigError(f"--prompt is missing: {own}, to what it reads")


def _output(task: Task, options: argparse.Namespace) -> Path | None:
    """Return the file to save to; None where the task has none."""
    output = options.output
    if not isinstance(task, Saving):
        if output is not None:
            raise ConfigError(f"--output does not apply: task={task.name} writes text alone")
        return None
    if output is None:
        return options.run / f"generated{task.file_ending}"
    if output.suffix != task.file_ending:
        raise ConfigError(f"--output must be a file {task.file_ending}, got {output}")
    return output


def _save(task: Saving, sequence: np.ndarray, output: Path) -> None:
    try:
        task.save(sequence, output)
    except OSError as error:
        raise ConfigError(f"--output={output} cannot be written: {error.strerror}") from error


def _decoding(options: argparse.Namespace) -> Sampling | Beam:
    """Return how outputs are chosen, of the options that were given."""
    sampling = {name: getattr(options, name) for name in ("temperature", "top_k", "top_p")}
    if options.beam is None:
        if options.length_penalty is not None:
            raise ConfigError("--length-penalty applies to --beam alone")
        return _made(Sampling, sampling)
    for name, value in {**sampling, "seed": options.seed}.items():
        if value is not None:
            raise ConfigError(f"--{name.replace('_', '-')} does not apply to --beam, which draws nothing")
    return _made(Beam, {"size": options.beam, "length_penalty": options.length_penalty})


def _made(kind: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Return an object made of what was given, whose refusals name the option."""
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        name, _, rest = str(error).partition(" ")
        option = {"size": "beam"}.get(name, name.replace("_", "-"))
        raise ConfigError(f"--{option} {rest}") from None


if __name__ == "__main__":
    main()
