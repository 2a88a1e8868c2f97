"""One run on several devices and in several processes of this machine: equality and throughput.

    python scripts/bench_processes.py

Each case is the command of a user. Processes meet on the loopback device. The numbers of the first rows, and
the best parameters, are compared with those of one process with one device. A longer run, which evaluates at
its end alone, tells the steps a second. The table is written to
`experiments/recurrence_speed/processes.md`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from seqlab.runs import load
from seqlab.tracking import read_rows

SETTINGS = (
    *("task=adding", "task.length=50", "task.num_evaluation_examples=64", "cell=lstm", "cell.features=64"),
    *("training.batch_size=64", "training.evaluation_batch_size=64", "training.num_examples=0"),
    *("tracking.wandb.mode=disabled", "tracking.console.mode=off"),
)
COMPARED = tuple(
    f"training.{key}" for key in ("steps=100", "log_every=10", "eval_every=10", "checkpoint_every=100")
)
TIMED = tuple(
    f"training.{key}" for key in ("steps=600", "log_every=100", "eval_every=600", "checkpoint_every=600")
)
CASES = ((1, 1), (1, 2), (1, 4), (2, 1), (2, 2))
"""Processes, and devices of each."""
NUM_ROWS = 2
"""How many rows are compared. Later ones differ more, as differences grow from update to update."""
FILE = Path(__file__).parents[1] / "experiments" / "recurrence_speed" / "processes.md"
HEAD = """# Devices and processes

    python scripts/bench_processes.py

One run of an LSTM (H=64, B=64, T=50) on two cores. A device is a thread pool of its own on the same cores,
and processes meet on the loopback device. *Steps a second* is the median of the rows at steps 200 to 600 of a
run of 600 steps, with a row every 100 steps. *Difference* is the largest, relative where numbers are above 1,
of any number of the first two rows of another run (steps 10 and 20), and of its best parameters. The counts
of the histograms of gates are compared as shares of all 204,800 values: rounding
alone moves single values over the edge of a bin, and one of the 11,477 in a bin is 8.7e-5.

| processes | devices of each | steps a second | difference of the rows | of the parameters |
| --- | --- | --- | --- | --- |
"""


def train(folder: Path, num_processes: int, num_devices: int, cadences: Sequence[str]) -> None:
    """Run the command in some processes, and wait for all of them.

    Raises:
        RuntimeError: one of them did not finish.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "seqlab.train", *SETTINGS, *cadences, f"hydra.run.dir={folder}"]
    words.append(f"training.devices={num_processes * num_devices}")
    if num_processes > 1:
        words += [f"distributed.coordinator=127.0.0.1:{port}", f"distributed.num_processes={num_processes}"]
    started = [
        subprocess.Popen(
            words if num_processes == 1 else [*words, f"distributed.process_id={number}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "JAX_NUM_CPU_DEVICES": str(num_devices)},
        )
        for number in range(num_processes)
    ]
    for process in started:
        said, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(said)


def results(folder: Path) -> tuple[list[dict], dict]:
    """Return the first rows and the best parameters of a run."""
    rows = [
        {key: shares(key, value) for key, value in row.items() if not key.startswith("timing/")}
        for row in read_rows(folder)
        if "train/loss" in row
    ]
    return rows[:NUM_ROWS], load(folder)[1]


def speed(folder: Path) -> float:
    """Return the median of the steps a second of a run, without those of the first row."""
    found = [row["timing/steps_per_second"] for row in read_rows(folder) if "timing/steps_per_second" in row]
    return float(np.median(found[1:]))


def shares(key: str, value: object) -> object:
    """Return the counts of a histogram as shares of all values; rounding alone moves some over an edge."""
    return np.divide(value, np.sum(value)) if key.endswith("/histogram") else value


def difference(left: list | dict, right: list | dict) -> float:
    """Return the largest difference between two trees, relative where numbers are above 1."""

    def gap(one: object, other: object) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # equal infinities
            apart = np.abs(np.subtract(one, other)) / np.maximum(1, np.abs(other))
        return np.max(np.where(np.equal(one, other), 0, apart))

    gaps = jax.tree.map(gap, left, right)
    return max(map(float, jax.tree.leaves(gaps)))


def main() -> None:
    """Run every case and write the table."""
    lines, first = [], None
    with tempfile.TemporaryDirectory() as place:
        for num_processes, num_devices in CASES:
            folder = Path(place) / f"{num_processes}x{num_devices}"
            train(folder / "compared", num_processes, num_devices, COMPARED)
            train(folder / "timed", num_processes, num_devices, TIMED)
            found = results(folder / "compared")
            first = first or found
            gaps = [f"{difference(*pair):.1e}" for pair in zip(found, first, strict=True)]
            measured = f"{speed(folder / 'timed'):.0f}"
            lines.append(f"| {num_processes} | {num_devices} | {measured} | {' | '.join(gaps)} |")
            print(lines[-1], flush=True)
    FILE.write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
