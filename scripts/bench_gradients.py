"""What does watching the gradients cost? Ratios to `gradients=off`, in one process and in turns.

    python scripts/bench_gradients.py [--rounds 9] [--level norms full] [--cell lstm gru] [--small]

A round runs the trainer's own program at every level, one after the other, and the figure is the median over
the rounds of the ratio to off. The cadences are the trainer's defaults: 50 steps and a row a dispatch,
costly statistics every 500 steps. A round therefore times one dispatch that ends in costly statistics and one
that does not, and takes them in the proportion 1 : 9. Written to `experiments/recurrence_speed/gradients.md`,
but for a part of it.
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


def timer(cell: str, shape: tuple[int, ...], level: str) -> Callable[[], float]:
    """Return a function that gives the seconds of a step at a level, costly statistics amortised."""
    program = program_of(shape, num_calls=10**7, cell=CELLS[cell], level=level)
    advance = jax.jit(program.advance)
    state = program.init(jnp.uint32(0), ())

    def dispatch(last: int) -> float:
        """Take the steps up to `last` and give their seconds."""
        nonlocal state
        span = jnp.array([last - STEPS_PER_CALL, last])
        state = state._replace(step=span[0])
        begun = time.perf_counter()
        state, *_ = jax.block_until_ready(advance(state, span, True, ()))
        return time.perf_counter() - begun

    def seconds() -> float:
        usual, costly = dispatch(EVERY + STEPS_PER_CALL), dispatch(2 * EVERY)
        return (usual + (costly - usual) * STEPS_PER_CALL / EVERY) / STEPS_PER_CALL

    seconds()
    return seconds


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--level", nargs="+", default=["norms", "full"])
    parser.add_argument("--cell", nargs="+", default=["lstm", "gru"], choices=CELLS)
    parser.add_argument("--small", action="store_true", help="the first shape alone")
    arguments = parser.parse_args()
    header = ["cell", "(B, T, F, H)", "off, ms a step", *arguments.level]
    lines = [header, ["---"] * len(header)]
    for cell in arguments.cell:
        for shape in SHAPES[: 1 if arguments.small else None]:
            timers = {level: timer(cell, shape, level) for level in ("off", *arguments.level)}
            rounds = [
                {level: seconds() for level, seconds in timers.items()} for _ in range(arguments.rounds)
            ]
            off = 1e3 * statistics.median(taken["off"] for taken in rounds)
            ratios = (
                statistics.median(taken[level] / taken["off"] for taken in rounds)
                for level in arguments.level
            )
            lines.append([cell, str(shape), f"{off:.2f}", *(f"{ratio:.3f}" for ratio in ratios)])
            print(" ".join(lines[-1]), flush=True)
    if vars(arguments) | {"rounds": 0} == vars(parser.parse_args([])) | {"rounds": 0}:
        title = "# What does watching the gradients cost?\n\n    python scripts/bench_gradients.py\n\n"
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        (FOLDER / "gradients.md").write_text(f"{title}Ratios to `gradients=off`.\n\n{table}\n")


if __name__ == "__main__":
    main()
