"""Time a run with the default cadence of checkpoints beside one that saves at its end alone, in turns."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from seqlab import run

SETTINGS = [
    *("task=python_docs", "cell=lstm", "training.steps=2000", "training.eval_every=100000"),
    *("tracking.wandb.mode=disabled", "tracking.console.mode=off"),
]
CADENCES = {"default": [], "at the end": ["training.checkpoint_every=1000000"]}
TURNS = 4


def main() -> None:
    """Print the seconds of each run without compilation, and the median of each cadence."""
    seconds: dict[str, list[float]] = {name: [] for name in CADENCES}
    with tempfile.TemporaryDirectory() as place:
        for turn in range(TURNS + 1):
            for name, words in CADENCES.items():
                summary = run([*SETTINGS, *words, f"hydra.run.dir={Path(place) / f'{name} {turn}'}"])
                if turn:  # the first runs compile and read the data
                    seconds[name].append(summary["seconds"] - summary["compile_seconds"])
    for name, found in seconds.items():
        print(
            f"{name:12} {' '.join(f'{one:.1f}' for one in found)}   median {statistics.median(found):.1f} s"
        )


if __name__ == "__main__":
    main()
