"""Speed of training on rows that stay on disk, compared with rows on the device: ratios, in turns.

    python scripts/bench_resident.py [--rounds 9]

Both read the same made rows with the settings of their experiment, in dispatches of 50 steps as a run makes
them. The table is written to `experiments/recurrence_speed/resident.md`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from seqlab.data.memory import hold
from seqlab.runs import build, compose_request
from seqlab.training import Plan, Program
from seqlab.training.vectorize.compiled import CompiledFunctions, resident_data

FOLDER = Path(__file__).parents[1] / "experiments" / "recurrence_speed"
NUM_ROWS = 10_000
STEPS = 50


def texts(draw: np.random.Generator) -> dict[str, Any]:
    """Return texts of 64 words and two classes."""
    words = np.array([f"word{number}" for number in range(2000)])
    rows = words[draw.integers(0, len(words), (NUM_ROWS, 64))]
    return {"text": [" ".join(row) for row in rows], "label": [str(index % 2) for index in range(NUM_ROWS)]}


def series(draw: np.random.Generator) -> dict[str, Any]:
    """Return series of 28 steps of 28 numbers and ten classes."""
    rows = draw.normal(size=(NUM_ROWS, 28, 28)).astype(np.float32)
    return {"series": rows, "label": [str(index % 10) for index in range(NUM_ROWS)]}


def clips(draw: np.random.Generator) -> dict[str, Any]:
    """Return clips of 8 frames of 16 × 16 pixels and two classes."""
    return {
        "frames": draw.integers(0, 256, (NUM_ROWS, 8, 16, 16), np.uint8),
        "label": [str(index % 2) for index in range(NUM_ROWS)],
    }


SOURCES: dict[str, tuple[Callable[[np.random.Generator], dict[str, Any]], tuple[str, ...]]] = {
    "text_classification": (texts, ()),
    "labelled_series": (series, ()),
    "frames": (clips, ("task.height=16", "task.width=16", "task.length=8")),
}


def program_of(overrides: Sequence[str]) -> Program:
    """Return the program that a config describes."""
    off = ("tracking.wandb.mode=disabled", "tracking.console.mode=off")
    return build(compose_request([*overrides, *off])).family.program


def stopwatch(overrides: Sequence[str]) -> Callable[[], float]:
    """Return a function that makes a dispatch of a config's run and gives the seconds of a step.

    The steps go on from call to call, as those of a run do.
    """
    run = build(compose_request([*overrides, "tracking.wandb.mode=disabled", "tracking.console.mode=off"]))
    plan = Plan()
    functions = CompiledFunctions(run.family, plan)
    data = resident_data(run.family.program.task, plan)
    numbers = plan.place({key: np.array([value]) for key, value in run.hyperparameters.items()}, plan.per_run)
    states = functions.init(numbers, np.zeros(1, np.uint32), data)
    numbers, step = functions.after_init(numbers), 0

    def seconds() -> float:
        nonlocal states, step
        span, begun = np.array([step, step + STEPS], np.int32), time.perf_counter()
        states, metrics = functions.advance(states, numbers, np.ones(1, bool), span, data)
        jax.block_until_ready((states, metrics))
        step += STEPS
        return (time.perf_counter() - begun) / STEPS

    seconds()
    return seconds


def in_turns(one: Callable[[], float], other: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """Return the median milliseconds of both, and the median of their ratio in each round."""
    pairs = [(one(), other()) for _ in range(rounds)]
    first, second = (1e3 * statistics.median(column) for column in zip(*pairs, strict=True))
    return first, second, statistics.median(a / b for a, b in pairs)


def write_table(file: str, title: str, lines: Sequence[Sequence[str]]) -> None:
    """Write a table, with the command that measured it, into `FOLDER`."""
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text = f"# {title}\n\n    python scripts/{Path(sys.argv[0]).name}\n\n{table}\n"
    (FOLDER / file).write_text(text, encoding="utf-8")


def main() -> None:
    """Measure all sources and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    head = ("experiment", "rows on the device, step ms", "rows on disk, step ms", "speed")
    lines = [head, ["---"] * len(head)]
    for name, (make, further) in SOURCES.items():
        source = hold(make(np.random.default_rng(0)))
        overrides = [f"+experiment={name}", f"task.source={source}", *further]
        resident, mapped = (stopwatch([*overrides, f"task.resident_bytes={size}"]) for size in (10**12, 0))
        one, other, ratio = in_turns(resident, mapped, rounds)
        lines.append((f"`{name}`", f"{one:.2f}", f"{other:.2f}", f"{ratio:.2f}"))
        print(*lines[-1], sep=" | ", flush=True)
    write_table("resident.md", "Rows that stay on disk, compared with rows on the device", lines)


if __name__ == "__main__":
    main()
