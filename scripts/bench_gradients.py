"""What does watching the gradients cost? Ratios to `gradients=off`, in one process and in turns.

    python scripts/bench_gradients.py [--rounds 9] [--cell lstm gru] [--shape 0 1]

A round runs one dispatch of the trainer's own program at every level, one after the other: 50 steps, which
end in a row; of `full` also one whose row holds the costly statistics, as every tenth does at the trainer's
defaults. With u and c the seconds of a usual and of a costly dispatch of the same round, and medians over the
rounds,

    norms = median u_norms / u_off
    full  = median u_full / u_off  +  median (c_full − u_full) / u_off / 10

so that the many dispatches in which full hardly differs from norms, and the few in which it does, are each
judged by their own kind. A row of `experiments/recurrence_speed/gradients.md` is written as it is measured.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from bench_trainer import EVERY, FOLDER, STEPS_PER_CALL, program_of

from seqlab.cells import GRU, LSTM, Elman

CELLS = {"elman": Elman, "lstm": LSTM, "gru": GRU}
SHAPES = ((32, 100, 64, 128), (32, 256, 128, 256))
USUAL, COSTLY = EVERY + STEPS_PER_CALL, 2 * EVERY
"""The last steps of a dispatch without and of one with the costly statistics."""
HEADER = """# What does watching the gradients cost?

    python scripts/bench_gradients.py

Ratios to `gradients=off`; `full` at its default cadence, and beside it what one costly row adds, in steps.

| cell | (B, T, F, H) | rounds | off, ms a step | norms | full | a costly row, steps |
|---|---|---|---|---|---|---|
"""


def dispatcher(cell: str, shape: tuple[int, ...], level: str) -> Callable[[int], float]:
    """Return a function that takes the steps up to a given one and gives their seconds."""
    program = program_of(shape, num_calls=10**7, cell=CELLS[cell], level=level)
    advance = jax.jit(program.advance)
    state = program.init(jnp.uint32(0), ())

    def dispatch(last: int) -> float:
        nonlocal state
        span = jnp.array([last - STEPS_PER_CALL, last])
        state = state._replace(step=span[0])
        begun = time.perf_counter()
        state, *_ = jax.block_until_ready(advance(state, span, True, ()))
        return time.perf_counter() - begun

    dispatch(USUAL)
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
    lines = path.read_text().removeprefix(HEADER).splitlines() if path.exists() else []
    kept = {tuple(line.split(" | ")[:2]): line for line in lines}
    line = f"| {' | '.join(row)} |"
    kept[tuple(line.split(" | ")[:2])] = line
    path.write_text(HEADER + "".join(f"{line}\n" for line in kept.values()))


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
