"""Cost of the trainer compared with the bare step: ratios, in one process and in turns.

    python scripts/bench_trainer.py [--rounds 9]

The bare step is forward, backward and Adam on one fixed batch, 50 steps a dispatch. The trainer is
`seqlab.training.train` as a user runs it: a new batch for every step, clipping, and every 50 steps a row in
`metrics.jsonl` with all diagnostics of `gradients=norms`. The table is written to
`experiments/recurrence_speed/trainer.md`.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from seqlab import metrics
from seqlab.architectures import ManyToMany
from seqlab.cells import LSTM
from seqlab.cells.cell import Cell
from seqlab.diagnostics import GradientDiagnostics
from seqlab.tasks import Task
from seqlab.tracking import RunFolder, RunInfo, Trackers
from seqlab.training import Family, Monitor, Plan, Program, Training, train
from seqlab.types import Batch, Goal, Reference, Vectors

SHAPES = ((1, 100, 64, 128), (8, 20, 16, 32))
STEPS_PER_CALL = 50
EVERY = 500
FOLDER = Path(__file__).parents[1] / "experiments" / "recurrence_speed"


@dataclasses.dataclass(frozen=True)
class Noise(Task):
    """Copy the inputs, which are independent uniform values."""

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "drawn"

    length: int = 1
    features: int = 1
    num_evaluation_examples: int = 1024

    def input_spec(self, framing: str) -> Vectors:
        return Vectors(self.features)

    def output_spec(self, framing: str) -> Vectors:
        return Vectors(self.features)

    def goal(self, framing: str) -> Goal:
        return Goal("mse", higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return Reference(1 / 3, "zero", 0.0)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse",)

    def draw(self, key: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        values = jax.random.uniform(key, (size, self.length, self.features))
        return Batch(values, values, jnp.ones(values.shape[:2], bool))


class Stopwatch:
    """A tracker that notes the time of each row."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def start(self, info: RunInfo) -> None:
        self.times = []

    def log(self, row: dict) -> None:
        if "train/loss" in row:
            self.times.append(time.perf_counter())

    def finish(self, summary: dict) -> None:
        pass


def program_of(
    shape: tuple[int, ...], num_calls: int, cell: type[Cell] = LSTM, level: str = "norms"
) -> Program:
    """Return a program of one layer of a cell at a shape (B, T, F, H)."""
    B, T, F, H = shape
    steps = STEPS_PER_CALL * num_calls
    training = Training(
        steps=steps,
        batch_size=B,
        clip_value=None,
        clip_norm=1.0,
        clip_recurrent=None,
        omega=None,
        log_every=STEPS_PER_CALL,
        eval_every=steps,
        patience=None,
        checkpoint_every=steps,
        steps_per_call=STEPS_PER_CALL,
        evaluation_batch_size=B,
        sample_length=0,
        devices=1,
        bptt_window=None,
        bptt_stride=None,
    )
    task = Noise(length=T, features=F, num_evaluation_examples=B)
    network = ManyToMany(cell(H), task.input_spec(""), task.output_spec(""))
    return Program(task, network, optax.adam(1e-3), training, GradientDiagnostics(level, EVERY).diagnostics)


def bare(program: Program) -> Any:
    """Return a function that makes `STEPS_PER_CALL` bare steps and gives the seconds of one."""
    task, network = program.task, program.network
    batch = task.batch(jax.random.key(0), program.training.batch_size)
    state = program.init(jnp.uint32(0), ())

    def step(held: tuple, _: None) -> tuple:
        params, moments = held

        def loss(params: dict) -> jax.Array:
            return metrics.loss(task.output_spec(""), network.apply(params, batch), batch).value

        updates, moments = program.optimizer.update(jax.grad(loss)(params), moments, params)
        return (optax.apply_updates(params, updates), moments), None

    steps = jax.jit(lambda held: jax.lax.scan(step, held, length=STEPS_PER_CALL)[0])
    held = jax.block_until_ready(steps((state.params, state.optimizer_state)))

    def seconds() -> float:
        begun = time.perf_counter()
        jax.block_until_ready(steps(held))
        return (time.perf_counter() - begun) / STEPS_PER_CALL

    return seconds


def trained(program: Program, folder: Path, stopwatch: Stopwatch) -> float:
    """Train as a user does and return the median seconds of a step, from row to row."""
    info = RunInfo(
        folder=folder, config={}, cell="lstm", architecture="many_to_many", task="noise", seed=0,
        experiment=None, steps=program.training.steps, tokens_per_step=program.tokens_per_step,
        num_params=0, goal=program.task.goal(""),
    )  # fmt: skip
    tracker = Trackers([RunFolder(folder), stopwatch])
    tracker.start(info)
    train(Family.of(program), [Monitor(program, info, tracker)], Plan())
    gaps = [later - earlier for earlier, later in zip(stopwatch.times, stopwatch.times[1:], strict=False)]
    return statistics.median(gaps) / STEPS_PER_CALL


def main() -> None:
    """Measure both shapes and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    lines = [
        "| (B, T, F, H) | bare step ms | in the trainer ms | share of the bare rate |",
        "|---|---|---|---|",
    ]
    for shape in SHAPES:
        program = program_of(shape, num_calls=20)
        seconds, stopwatch = bare(program), Stopwatch()
        pairs = []
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(rounds):
                before = statistics.median(seconds() for _ in range(10))
                inside = trained(program, Path(folder), stopwatch)
                after = statistics.median(seconds() for _ in range(10))
                pairs.append(((before + after) / 2, inside))
        share = statistics.median(outside / inside for outside, inside in pairs)
        outside, inside = (1e3 * statistics.median(column) for column in zip(*pairs, strict=True))
        lines.append(f"| {shape} | {outside:.3f} | {inside:.3f} | {share:.0%} |")
        print(lines[-1], flush=True)
    text = "# Cost of the trainer compared with the bare step\n\n    python scripts/bench_trainer.py\n\n"
    (FOLDER / "trainer.md").write_text(text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
