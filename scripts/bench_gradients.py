"""Cost of the gradient diagnostics: ratios to `gradients=off`, in one process and in turns.

    python scripts/bench_gradients.py [--rounds 9] [--cell lstm gru] [--shape 0 1]

A round makes 50 steps with the trainer's own functions at every level, one level after the other. The steps
end in a row; of `full` there is also one row with the costly statistics, as every tenth has by default. With
u and c the seconds of a usual and of a costly row of the same round, and medians over the rounds,

    norms = median u_norms / u_off
    full  = median u_full / u_off  +  median (c_full − u_full) / u_off / 10

so that the many rows in which `full` hardly differs from `norms`, and the few in which it does, are compared
with their own kind. A row of `experiments/recurrence_speed/gradients.md` is written as it is measured.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from bench_trainer import EVERY, FOLDER, STEPS_PER_CALL, program_of

from seqlab.cells import GRU, LSTM, Elman
from seqlab.training import Family, Plan
from seqlab.training.vectorize.compiled import CompiledFunctions

CELLS = {"elman": Elman, "lstm": LSTM, "gru": GRU}
SHAPES = ((32, 100, 64, 128), (32, 256, 128, 256))
USUAL, COSTLY = EVERY + STEPS_PER_CALL, 2 * EVERY
"""The step of a row without and of one with the costly statistics."""
HEADER = """# Cost of the gradient diagnostics

    python scripts/bench_gradients.py

Ratios to `gradients=off`; `full` at its default cadence, and the steps that one costly row adds to it.

| cell | (B, T, F, H) | rounds | off, ms a step | norms | full | a costly row, steps |
|---|---|---|---|---|---|---|
"""


def dispatcher(cell: str, shape: tuple[int, ...], level: str) -> Callable[[int], float]:
    """Return a function that makes the steps up to a row and returns their seconds."""
    program = program_of(shape, num_calls=10**7, cell=CELLS[cell], level=level)
    functions, active = CompiledFunctions(Family.of(program), Plan()), np.ones(1, bool)
    states = functions.init({}, np.zeros(1, np.uint32), ())

    def dispatch(last: int) -> float:
        nonlocal states
        states = states._replace(step=jnp.full(1, last - STEPS_PER_CALL))
        cadences = program.due(last)
        stops = [last - STEPS_PER_CALL, *([last - 1] if cadences else []), last]
        begun, results = time.perf_counter(), []
        for start, stop in itertools.pairwise(stops):
            if stop == last:
                results += [functions.diagnose(states, {}, every, ()) for every in cadences]
            states, metrics = functions.advance(states, {}, active, np.array([start, stop], np.int32), ())
            results.append(metrics)
        jax.block_until_ready((states, results))
        return time.perf_counter() - begun

    dispatch(USUAL)
    dispatch(COSTLY)
    return dispatch


def measure(cell: str, shape: tuple[int, ...], rounds: int) -> list[str]:
    """Return a row of the table."""
    off, norms, full = (dispatcher(cell, shape, level) for level in ("off", "norms", "full"))
    taken = [(off(USUAL), norms(USUAL), full(USUAL), full(COSTLY)) for _ in range(rounds)]
    median = lambda figure: statistics.median(figure(*seconds) for seconds in taken)  # noqa: E731
    costly = median(lambda off, norms, usual, costly: (costly - usual) / off)
    ratio = median(lambda off, norms, usual, costly: usual / off) + costly * STEPS_PER_CALL / EVERY
    return [
        *(cell, str(shape), str(rounds)),
        f"{1e3 * median(lambda off, *_: off) / STEPS_PER_CALL:.2f}",
        f"{median(lambda off, norms, *_: norms / off):.3f}",
        f"{ratio:.3f}",
        f"{costly * STEPS_PER_CALL:.1f}",
    ]


def write(row: list[str]) -> None:
    """Put a row into the table, in place of the one of the same cell and shape."""
    path = FOLDER / "gradients.md"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [line.split(" | ")[:2] for line in lines]
    earlier = {tuple(key): line for key, line in zip(rows, lines, strict=True) if key[0][2:] in CELLS}
    line = f"| {' | '.join(row)} |"
    earlier[tuple(line.split(" | ")[:2])] = line
    path.write_text(HEADER + "".join(f"{line}\n" for line in earlier.values()))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cell", nargs="+", default=["lstm", "gru"], choices=CELLS)
    parser.add_argument("--shape", nargs="+", type=int, default=[0, 1], choices=range(len(SHAPES)))
    arguments = parser.parse_args()
    for cell in arguments.cell:
        for shape in arguments.shape:
            row = measure(cell, SHAPES[shape], arguments.rounds)
            print(*row, flush=True)
            write(row)


if __name__ == "__main__":
    main()
