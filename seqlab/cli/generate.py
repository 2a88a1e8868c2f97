"""Generation: a sequence that continues a prompt, or an answer to it.

A network whose outputs cannot be its inputs gives one answer to the prompt: a class, tags or a forecast.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.architectures import Network
from seqlab.cli.arguments import Parser
from seqlab.cli.command import command, naming_options
from seqlab.generation.decoding import Beam, Sampling
from seqlab.generation.generate import can_generate
from seqlab.runs import load_run
from seqlab.tasks import Task
from seqlab.tasks._saving import Saving
from seqlab.tasks.new_rows import ReadsRows
from seqlab.types import ConfigError, Tokens


@command
def main() -> None:
    """Print a sample of a run's best network, or its answer to the prompt; save music as a file."""
    parser = Parser(prog="python -m seqlab.generate", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    parser.add_argument("--prompt", help="what the network reads first; default: a validation example")
    parser.add_argument("--length", type=int, help="number of outputs; default: a whole example, or 200")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="where to save music; default: generated.mid in RUN_DIR"
    )
    sampling = parser.add_argument_group("sampling, the default")
    sampling.add_argument(
        "--temperature", type=float, help="divides the logits; 0 takes the most likely symbol; default: 1"
    )
    sampling.add_argument(
        "--top-k", type=int, help="number of most likely symbols to draw from; default: all"
    )
    sampling.add_argument("--top-p", type=float, help="least probability of the set to draw from; default: 1")
    sampling.add_argument("--seed", type=int, help="seed of the samples; default: 0")
    searching = parser.add_argument_group("beam search")
    searching.add_argument("--beam", type=int, help="number of sequences kept at each step")
    searching.add_argument(
        "--length-penalty", type=float, help="above 0 favours longer sequences; default: 0"
    )
    options = parser.parse_args()
    if options.length is not None and options.length < 1:
        raise ConfigError(f"--length must be a positive integer, got {options.length}")
    decoding = _decoding(options)
    run = load_run(options.run)
    task, network = run.task, run.network
    if options.prompt is not None and isinstance(network.inputs, Tokens) and isinstance(task, ReadsRows):
        _check_text(task, network, options)
    if not can_generate(task, network):
        _require_prompt_alone(task, network, options)
        with naming_options("prompt"):
            print(run.generate(options.prompt))
        return
    output = _output(task, options)
    with naming_options("prompt", "beam", "top_k", "top_p"):
        sequence = run.generate_sequence(options.prompt, options.length, decoding, options.seed or 0)
    print(task.render(sequence, network.framing))
    if isinstance(task, Saving) and output is not None:
        _save(task, sequence, output)
        print(output)


def _check_text(task: Task, network: Network, options: argparse.Namespace) -> None:
    """Refuse a prompt that is to be a text and names a file, and say where all its words are unknown."""
    if os.path.isfile(options.prompt):
        raise ConfigError(
            f"--prompt={options.prompt} is a file, and the run reads a text: "
            f"python -m seqlab.predict {options.run} {options.prompt} answers the rows of a file"
        )
    if not np.any(task.read_prompt(options.prompt, network.framing)):  # 0 is the unknown word
        print("the run knows no word of the prompt", file=sys.stderr)


def _require_prompt_alone(task: Task, network: Network, options: argparse.Namespace) -> None:
    """Raise ConfigError where there is no prompt, or an option that only applies to step-by-step output."""
    reason = f"task={task.name} with architecture={network.framing} gives one answer to a prompt"
    for name, value in vars(options).items():
        if name not in ("run", "prompt") and value is not None:
            raise ConfigError(f"--{name.replace('_', '-')} does not apply: {reason}")
    if options.prompt is None:
        raise ConfigError(f"--prompt is missing: {reason}")


def _output(task: Task, options: argparse.Namespace) -> Path | None:
    """Return the file to save to; None where the task saves none."""
    output = options.output
    if not isinstance(task, Saving):
        if output is not None:
            raise ConfigError(f"--output does not apply: task={task.name} only prints text")
        return None
    if output is None:
        return options.run / f"generated{task.file_ending}"
    if output.suffix != task.file_ending:
        raise ConfigError(f"--output must end in {task.file_ending}, got {output}")
    return output


def _save(task: Saving, sequence: np.ndarray, output: Path) -> None:
    try:
        task.save(sequence, output)
    except OSError as error:
        raise ConfigError(f"--output={output} cannot be written: {error.strerror}") from error


def _decoding(options: argparse.Namespace) -> Sampling | Beam:
    """Return how outputs are chosen, from the options."""
    sampling = {name: getattr(options, name) for name in ("temperature", "top_k", "top_p")}
    if options.beam is None:
        if options.length_penalty is not None:
            raise ConfigError("--length-penalty only applies to --beam")
        return _made(Sampling, sampling)
    for name, value in {**sampling, "seed": options.seed}.items():
        if value is not None:
            raise ConfigError(f"--{name.replace('_', '-')} does not apply to --beam, which is not random")
    return _made(Beam, {"size": options.beam, "length_penalty": options.length_penalty})


def _made(kind: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Make an object from the options that were given; an error names the option."""
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        name, _, rest = str(error).partition(" ")
        option = {"size": "beam"}.get(name, name.replace("_", "-"))
        raise ConfigError(f"--{option} {rest}") from None
