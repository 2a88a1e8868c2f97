"""Time and memory from command to exit, and the size of the update program, next to plain Flax and optax.

    python scripts/bench_start.py [--rounds 5]

Each round starts three processes one after the other, so that every ratio is of neighbours in time: the
plain script `scripts/plain_training.py`, `python -m seqlab.train` with an empty compilation cache (cold), and
the same command again (warm). All three train an LSTM of 128 on the adding problem for 50 updates. The ratios
are medians over the rounds. Peak memory is the resident set of each process. Program sizes are lines of
StableHLO of the jitted update, for a GRU of 8 on one device. Written to
`experiments/recurrence_speed/start.md`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from plain_training import program as plain_program

from seqlab.runs import build, compose_request
from seqlab.training import Program
from seqlab.training.advance import advance

FOLDER = Path(__file__).parents[1] / "experiments" / "recurrence_speed"
PLAIN = [sys.executable, str(Path(__file__).parent / "plain_training.py")]
SEQLAB = [
    *(sys.executable, "-m", "seqlab.train", "task=adding", "cell=lstm", "cell.features=128"),
    "training.steps=50",
]
UNSET = (
    *("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"),
    "PYTHONDONTWRITEBYTECODE",  # with it, Python would compile our modules anew at each start
)
"""Environment variables that a measured process does not inherit."""
HEADER = """# Cost of starting a run

    python scripts/bench_start.py

Whole processes, in turns: an LSTM of 128 on the adding problem, 50 updates.

"""


class Process(NamedTuple):
    """What one process took.

    Attributes:
        seconds: from its start to its exit.
        megabytes: its peak resident set, in units of 10⁶ bytes.
    """

    seconds: float
    megabytes: float


def timed(command: list[str], folder: Path) -> Process:
    """Run a command in a folder, with its caches there, and return what it took.

    Raises:
        RuntimeError: it failed.
    """
    environment = {key: value for key, value in os.environ.items() if key not in UNSET}
    environment |= {"XDG_CACHE_HOME": str(folder / "cache"), "WANDB_SILENT": "true"}
    with (folder / "output.txt").open("w") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
    if status:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(folder / 'output.txt').read_text()}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Process(seconds, usage.ru_maxrss * kilobyte / 1e6)


def measured_round() -> dict[str, Process]:
    """Return what the plain script, the cold and the warm command took, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "plain Flax and optax": timed(PLAIN, Path(folder)),
            "seqlab, cold": timed(SEQLAB, Path(folder)),
            "seqlab, warm": timed(SEQLAB, Path(folder)),
        }


def table(rounds: list[dict[str, Process]]) -> list[str]:
    """Return the medians of time and memory, with their ratios to the plain script of the same round."""
    lines = ["| process | s | ratio | peak MB | ratio |", "|---|---|---|---|---|"]
    plain = next(iter(rounds[0]))
    for name in rounds[0]:
        cells = []
        for figure in ("seconds", "megabytes"):
            values = [getattr(taken[name], figure) for taken in rounds]
            ratios = [getattr(taken[name], figure) / getattr(taken[plain], figure) for taken in rounds]
            digits = 2 if figure == "seconds" else 0
            cells += [f"{statistics.median(values):.{digits}f}", f"{statistics.median(ratios):.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def program_sizes() -> list[str]:
    """Return a table of the StableHLO lines of the update program, plain and by the level of `gradients`."""
    init, train = plain_program("gru", 8, 50)
    lowered = {"plain scanned step": train.lower(jax.eval_shape(init, jax.random.key(0)))}
    for level in ("off", "norms", "full"):
        program = seqlab_program("task=adding", "cell=gru", "cell.features=8", f"gradients={level}")
        arguments = program.shapes, jax.ShapeDtypeStruct((2,), np.int32), True, program.task.data
        lowered[f"gradients={level}"] = jax.jit(partial(advance, program)).lower(*arguments)
    lines = {name: one.as_text().count("\n") for name, one in lowered.items()}
    plain = lines["plain scanned step"]
    rows = [f"| {name} | {count} | {count / plain:.2f} |" for name, count in lines.items()]
    return ["| update program, GRU of 8 | StableHLO lines | ratio |", "|---|---|---|", *rows]


def seqlab_program(*overrides: str) -> Program:
    """Return the program that the command line would train with these overrides."""
    return build(compose_request(overrides)).program


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = [measured_round() for _ in range(parser.parse_args().rounds)]
    text = "\n".join([*table(rounds), "", *program_sizes()]) + "\n"
    print(text)
    (FOLDER / "start.md").write_text(HEADER + text)


if __name__ == "__main__":
    main()
