"""How good is the best run that a search has found after so many seconds, by the way it searches?

    python scripts/bench_search.py [--case adding sms_spam] [--seconds 60]

Three ways have the same search space and the same time, one after another:

- pruned: TPE with successive halving in the vectorised program, where the next trial takes the place of one
  that was pruned (`hydra/sweeper=optuna hydra/launcher=vectorized`);
- random: random values, without pruning, one run after another in one process;
- processes: TPE without pruning, a command for each trial, as people do it today.

A score counts from when its run has ended, from the start of the command on. Each call adds a round to the
results in `experiments/search/`, whose README has the table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
from bench_recurrence import machine
from hydra.core.override_parser.overrides_parser import OverridesParser

from seqlab.analysis.studies.markers import write_between_markers
from seqlab.sweeps.search.space import read_space
from seqlab.tracking import read_summary

FOLDER = Path(__file__).parents[1] / "experiments" / "search"
SPACE = [
    "optimizer.learning_rate=tag(log,interval(1e-4,1))",
    "training.clip_norm=tag(log,interval(0.01,10))",
    "cell.recurrent_scale=interval(0.5,1.5)",
]
SHARED = ["cell=gru", "tracking.console.mode=off", "tracking.wandb.mode=disabled", "training.num_examples=0"]
CASES = {
    "adding": [
        *("task=adding", "architecture=many_to_one", "task.length=50", "cell.features=32"),
        *("training.steps=600", "training.eval_every=60", "training.checkpoint_every=600"),
    ],
    "sms_spam": [
        *("task=sms_spam", "cell.features=32", "training.steps=200", "training.eval_every=20"),
        "training.checkpoint_every=200",
    ],
}
TRIALS = 8
"""The trials of a program."""


def command(arguments: list[str], folder: Path) -> None:
    """Run a command in a folder; a search with a run that diverged ends with a status of its own."""
    subprocess.run([sys.executable, "-m", "seqlab.train", *arguments], cwd=folder, capture_output=True)


def pruned(case: list[str], seconds: float, seed: int, folder: Path) -> None:
    """Search with pruning in the vectorised program."""
    command(
        [
            *("-m", *SHARED, *case, *SPACE, "hydra/sweeper=optuna", "hydra/launcher=vectorized"),
            *(f"hydra.sweeper.n_jobs={TRIALS}", "hydra.sweeper.n_trials=null"),
            *(f"hydra.sweeper.timeout={seconds}", f"hydra.sweeper.sampler.seed={seed}"),
            *("hydra.sweeper.pruner.name=SuccessiveHalvingPruner", "hydra.sweep.dir=sweep"),
            *("+hydra.sweeper.pruner.min_resource=2", "+hydra.sweeper.pruner.reduction_factor=2"),
        ],
        folder,
    )


def random(case: list[str], seconds: float, seed: int, folder: Path) -> None:
    """Search at random, one run after another."""
    command(
        [
            *("-m", *SHARED, *case, *SPACE, "hydra/sweeper=optuna", "hydra.sweep.dir=sweep"),
            *("hydra.sweeper.sampler.name=RandomSampler", f"hydra.sweeper.sampler.seed={seed}"),
            *(f"hydra.sweeper.timeout={seconds}", "hydra.sweeper.n_trials=null"),
        ],
        folder,
    )


def processes(case: list[str], seconds: float, seed: int, folder: Path) -> None:
    """Search with a command for each trial."""
    begun = time.time()
    space = read_space(OverridesParser.create().parse_overrides(SPACE), {})
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    while time.time() < begun + seconds:
        trial = study.ask()
        run = folder / "sweep" / str(trial.number)
        command([*SHARED, *case, *space.overrides(trial), f"hydra.run.dir={run}"], folder)
        value = score(read_summary(run))
        study.tell(trial, value, state=None if value is not None else optuna.trial.TrialState.FAIL)


WAYS = {"pruned": pruned, "random": random, "processes": processes}


def score(summary: dict) -> float | None:
    """Return the best validation score of a run, negated where higher is better; None without one."""
    found = summary.get("best", {}).get(f"eval/{summary.get('metric')}")
    return found if found is None or not summary["higher_is_better"] else -found


def timeline(folder: Path, begun: float, seconds: float) -> dict:
    """Return when each run ended, in seconds, with its score and its status."""
    ended = []
    for path in folder.glob("sweep/*/summary.json"):
        at, summary = path.stat().st_mtime - begun, read_summary(path.parent)
        if at <= seconds and (found := score(summary)) is not None:
            ended.append((round(at, 2), found, summary["status"]))
    return {"ended": sorted(ended), "seconds": seconds}


def best_at(ended: list, seconds: float) -> float | None:
    """Return the best score after so many seconds; None where no run has ended."""
    return min((found for at, found, _ in ended if at <= seconds), default=None)


def reached(ended: list, target: float | None) -> float | None:
    """Return after how many seconds a score was reached; None where it was not."""
    return next((at for at, found, _ in ended if target is not None and found <= target), None)


def table(results: dict) -> str:
    """Return the results as Markdown: medians over the rounds."""
    lines = [f"- {key}: {value}" for key, value in results["machine"].items()]
    for name, rounds in results["cases"].items():
        seconds = rounds[0]["pruned"]["seconds"]
        times = [seconds / 4, seconds / 2, seconds]
        heads = ["way", "trials ended", "of these pruned", *(f"best after {time:g} s" for time in times)]
        heads += ["s to the best of processes", "times fewer"]
        lines += ["", f"### {name}: {len(rounds)} rounds of {seconds:g} s a way", ""]
        lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        lines += [f"| {way} | {' | '.join(row(rounds, way, times))} |" for way in WAYS]
    return "\n".join(lines)


def row(rounds: list[dict], way: str, times: list[float]) -> list[str]:
    """Return the cells of a way of the table."""
    ended = [one[way]["ended"] for one in rounds]
    others = [one["processes"]["ended"] for one in rounds]
    gone = [sum(status == "pruned" for *_, status in one) for one in ended]
    cells = [middle([len(one) for one in ended], "{:g}"), middle(gone, "{:g}")]
    for at in times:
        found = [best_at(one, at) for one in ended]
        cells.append(middle([None if one is None else abs(one) for one in found], "{:.4g}"))
    targets = [best_at(one, times[-1]) for one in others]
    took = [reached(one, target) for one, target in zip(ended, targets, strict=True)]
    needed = [reached(one, target) for one, target in zip(others, targets, strict=True)]
    fewer = [one and other / one for one, other in zip(took, needed, strict=True)]
    return [*cells, middle(took, "{:.1f}"), middle(fewer, "{:.1f}")]


def middle(values: list, form: str) -> str:
    """Return the median of values; a dash where one is missing."""
    return "–" if None in values else form.format(statistics.median(values))


def main() -> None:
    """Measure a round of the cases asked for and write the table of all rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--seconds", type=float, default=60.0, help="the time of each way")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    path = FOLDER / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    for name in arguments.case:
        rounds = results["cases"].setdefault(name, [])
        measured = {}
        for way, search in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                begun = time.time()
                search(CASES[name], arguments.seconds, len(rounds), Path(folder))
                measured[way] = timeline(Path(folder), begun, arguments.seconds)
                ended = measured[way]["ended"]
                print(name, way, len(ended), "trials, best", best_at(ended, arguments.seconds), flush=True)
        rounds.append(measured)
    results["machine"] = machine()
    path.write_text(json.dumps(results, indent=None) + "\n")
    write_between_markers(FOLDER / "README.md", "bench", table(results))


if __name__ == "__main__":
    main()
