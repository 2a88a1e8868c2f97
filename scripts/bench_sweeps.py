"""How long does a sweep take, from the command to its last file, by the way it is launched?

    python scripts/bench_sweeps.py [--case h32 h64 …] [--loop-runs 4]

The same grid of seeds (LSTM, adding) is swept by `hydra/launcher=vectorized`, by Hydra's basic launcher, by
joblib on all cores (`hydra/launcher=cores`), and by what people do today: a shell loop that starts a command
a run. Each is a process of its own, with the default config: rows, evaluations, checkpoints and W&B's files
for every run. The commands of the loop know nothing of each other, so a few are timed, and the whole is so
many times their mean. Written to `experiments/vectorised_sweeps/`, between the markers of its README.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_recurrence import machine

from seqlab.analysis.studies.markers import write_between_markers
from seqlab.tracking import read_summary

FOLDER = Path(__file__).parents[1] / "experiments" / "vectorised_sweeps"


@dataclasses.dataclass(frozen=True)
class Case:
    """A grid: so many seeds of an LSTM of H features on adding, T = 50, at so many steps."""

    features: int
    batch: int
    seeds: int
    steps: int

    def overrides(self) -> list[str]:
        return [
            *("cell=lstm", "task=adding", "architecture=many_to_one", "task.length=50"),
            *(f"cell.features={self.features}", f"training.batch_size={self.batch}"),
            *(f"training.steps={self.steps}", "tracking.console.mode=off"),
        ]


CASES = {
    "h32": Case(32, 32, 32, 100),
    "h32_long": Case(32, 32, 32, 1000),
    "h64": Case(64, 32, 32, 100),
    "h64_long": Case(64, 32, 32, 1000),
    "h16": Case(16, 8, 128, 1000),
    "h128": Case(128, 32, 8, 1000),
    "h256": Case(256, 32, 8, 200),
}
LAUNCHERS = ("vectorized", "basic", "cores")


def timed(arguments: list[str], folder: Path) -> float:
    """Run a command in an empty folder and return its seconds."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "seqlab.train", *arguments], cwd=folder, capture_output=True, text=True
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return seconds


def sweep(case: Case, launcher: str, folder: Path) -> tuple[float, str]:
    """Sweep by a launcher; return the seconds and, where runs shared a program, how."""
    overrides = [*case.overrides(), f"seed=range(0,{case.seeds})", f"hydra/launcher={launcher}"]
    seconds = timed(["-m", *overrides, "hydra.sweep.dir=sweep"], folder)
    summaries = [read_summary(folder / "sweep" / str(number)) for number in range(case.seeds)]
    if any(summary["status"] != "finished" for summary in summaries):
        raise SystemExit(f"{launcher}: not every run finished")
    plan = summaries[0]["plan"]
    measured = summaries[0].get("microseconds_per_update") or {}
    rates = ", ".join(f"{name.partition('_')[2]}: {value:.0f} µs" for name, value in measured.items())
    return seconds, f"{plan['vmap_size']} on each of {plan['devices']}" + (f" ({rates})" if rates else "")


def measure(case: Case, loop_runs: int, folder: Path) -> dict:
    """Time all ways to launch one grid, one after another."""
    seconds, plans = {}, {}
    for launcher in LAUNCHERS:
        seconds[launcher], plans[launcher] = sweep(case, launcher, folder)
        print(f"{case} {launcher} {seconds[launcher]:.1f} s {plans[launcher]}", flush=True)
    alone = [
        timed([*case.overrides(), f"seed={seed}", "hydra.run.dir=run"], folder) for seed in range(loop_runs)
    ]
    seconds["loop"] = case.seeds * statistics.mean(alone)
    print(f"{case} loop {seconds['loop']:.1f} s", flush=True)
    return {**dataclasses.asdict(case), "seconds": seconds, "plan": plans["vectorized"], "alone": alone}


def table(results: dict) -> str:
    """Return the results as Markdown."""
    lines = [f"- {key}: {value}" for key, value in results["machine"].items()]
    lines += [
        "",
        "| H | B | seeds | steps | vectorized s | basic s | joblib s | loop s "
        "| basic / v. | joblib / v. | loop / v. | together on each device (µs an update, by how many) |",
        "|---" * 12 + "|",
    ]
    for case in results["cases"].values():
        taken = case["seconds"]
        ours = taken["vectorized"]
        cells = [case["features"], case["batch"], case["seeds"], case["steps"]]
        cells += [f"{taken[name]:.0f}" for name in (*LAUNCHERS, "loop")]
        cells += [f"{taken[name] / ours:.2f}" for name in (*LAUNCHERS[1:], "loop")]
        lines.append(f"| {' | '.join(map(str, [*cells, case['plan']]))} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the cases asked for and write the table of all that were ever measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--loop-runs", type=int, default=4, help="how many commands of the loop are timed")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    path = FOLDER / "results.json"
    cases = json.loads(path.read_text())["cases"] if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.case:
            cases[name] = measure(CASES[name], arguments.loop_runs, Path(folder) / "here")
            results = {"machine": machine(), "cases": {name: cases[name] for name in CASES if name in cases}}
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(results, indent=1) + "\n")
            write_between_markers(FOLDER / "README.md", "bench", table(results))


if __name__ == "__main__":
    main()
