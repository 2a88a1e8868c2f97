"""What does watching the gradients cost? Ratios to `gradients=off`, in one process and in turns.

    python scripts/bench_gradients.py [--rounds 9] [--level norms full] [--cell lstm gru] [--small]

A round runs `steps` training steps of the trainer's own program at every level, one after the other; the
figure is the median over the rounds of the ratio to off. A row is due once a dispatch.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from bench_trainer import Noise

from seqlab.architectures import ManyToMany
from seqlab.cells import GRU, LSTM, Elman
from seqlab.gradients import Settings
from seqlab.training import Program, Training

CELLS = {"elman": Elman, "lstm": LSTM, "gru": GRU}
SHAPES = {(32, 100, 64, 128): 50, (32, 256, 128, 256): 10}
"""The shapes (B, T, F, H), and how many steps a dispatch has."""


def steps_at(cell: str, shape: tuple[int, ...], num_steps: int, level: str) -> Callable[[], float]:
    """Return a function that runs one dispatch at a level and gives its seconds."""
    B, T, F, H = shape
    training = Training(
        steps=10**9,
        batch_size=B,
        clip_norm=1.0,
        log_every=num_steps,
        eval_every=10**9,
        checkpoint_every=10**9,
        steps_per_call=num_steps,
        evaluation_batch_size=B,
        sample_length=0,
        devices=1,
    )
    task = Noise(length=T, features=F, num_evaluation_examples=B)
    network = ManyToMany(CELLS[cell](H), task.input_spec(""), task.output_spec(""))
    settings = Settings(level, every=500)
    program = Program(task, "many_to_many", network, optax.adam(1e-3), training, settings)
    advance = jax.jit(program.advance)
    state = jax.block_until_ready(advance(program.init(jnp.uint32(0), ()), jnp.int32(num_steps), ())[0])

    def seconds() -> float:
        nonlocal state
        begun = time.perf_counter()
        state, _ = jax.block_until_ready(advance(state, state.step + num_steps, ()))
        return time.perf_counter() - begun

    return seconds


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--level", nargs="+", default=["norms", "full"])
    parser.add_argument("--cell", nargs="+", default=["lstm", "gru"], choices=CELLS)
    parser.add_argument("--small", action="store_true", help="the first shape alone")
    arguments = parser.parse_args()
    print("| cell | (B, T, F, H) | off, ms a step | " + " | ".join(arguments.level) + " |")
    print("|---|---|---|" + "---|" * len(arguments.level))
    for cell in arguments.cell:
        for shape, num_steps in list(SHAPES.items())[: 1 if arguments.small else None]:
            timed = {level: steps_at(cell, shape, num_steps, level) for level in ("off", *arguments.level)}
            rounds = [{level: seconds() for level, seconds in timed.items()} for _ in range(arguments.rounds)]
            off = 1e3 * statistics.median(taken["off"] for taken in rounds) / num_steps
            ratios = [
                statistics.median(taken[level] / taken["off"] for taken in rounds)
                for level in arguments.level
            ]
            print(
                f"| {cell} | {shape} | {off:.2f} | " + " | ".join(f"{r:.3f}" for r in ratios) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
