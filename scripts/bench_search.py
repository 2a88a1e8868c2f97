"""After how many seconds has a search found a model of a stated score, by the way it searches?

    python scripts/bench_search.py [--case adding sms_spam] [--minutes 7]

Three ways have the same search space and the same time, one after another:

- pruned: TPE with successive halving in the vectorised program, where the next trial takes the place of one
  that was pruned (`hydra/sweeper=optuna hydra/launcher=vectorized`);
- random: random values, without pruning, one run after another in one process;
- processes: TPE without pruning, a command for each trial, as people do it today.

A score counts from its evaluation on, when the parameters are saved as the best of their run. The seconds
count from the start of the command. A way ends as soon as it has the stated score, or at the limit. The
compiled programs of other processes are not used: each way begins with an empty cache. Each way of each round
has a seed of its own, so that no two have the same first trial.

Each call adds rounds to the results in `experiments/search/`, as many as fit into its minutes. The README
there has the table.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
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
from seqlab.training.compilation_cache import LEAST_SECONDS

FOLDER = Path(__file__).parents[1] / "experiments" / "search"
SPACE = [
    "optimizer.learning_rate=tag(log,interval(1e-5,1e-1))",
    "training.clip_norm=tag(log,interval(1e-3,10))",
    "cell.recurrent_scale=interval(0,2)",
]
SHARED = ["cell=gru", "tracking.console.mode=off", "tracking.wandb.mode=disabled", "training.num_examples=0"]
CASES = {
    "adding": [
        *("task=adding", "architecture=many_to_one", "task.length=50", "cell.features=32"),
        *("training.steps=600", "training.eval_every=60", "training.checkpoint_every=600"),
    ],
    "sms_spam": [
        *("task=sms_spam", "task.length=32", "task.most_tokens=2000", "cell.features=16"),
        *("training.steps=200", "training.eval_every=20", "training.checkpoint_every=200"),
    ],
}
KEYS = {"adding": ("eval/mse", 1), "sms_spam": ("eval/accuracy", -1)}
"""The deciding metric of each case, and the sign by which less is better."""

TARGETS = {"adding": 0.0002, "sms_spam": 0.9865}
"""The stated scores."""

LIMITS = {"adding": 110.0, "sms_spam": 110.0}
"""The seconds of each way."""

TRIALS = 8
"""The trials of a program."""

SEARCH = [
    "-m",
    *SHARED,
    *SPACE,
    "hydra/sweeper=optuna",
    "hydra.sweep.dir=sweep",
    "hydra.sweeper.n_trials=null",
]


class Clock:
    """A search that is watched: what its evaluations have reached, and when.

    Attributes:
        folder: where it runs.
        best: the seconds and the score of each evaluation that is better than all before it.
    """

    def __init__(self, case: str, folder: Path) -> None:
        """Begin now."""
        self.folder, self._limit = folder, LIMITS[case]
        (self._key, self._sign), self._target = KEYS[case], TARGETS[case]
        self._begun, self._read, self.best = time.time(), {}, []

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return time.time() - self._begun

    @property
    def is_over(self) -> bool:
        """Whether the score or the limit is reached."""
        has_it = self.best and self._sign * self.best[-1][1] <= self._sign * self._target
        return bool(has_it) or self.seconds >= self._limit

    def command(self, arguments: list[str]) -> None:
        """Run a command in the folder until it ends, or until the search is over."""
        cache = {"JAX_COMPILATION_CACHE_DIR": str(self.folder / "cache")}
        cache["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = str(LEAST_SECONDS)
        process = subprocess.Popen(
            [sys.executable, "-m", "seqlab.train", *arguments],
            cwd=self.folder,
            env=os.environ | cache,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while process.poll() is None and not self.is_over:
            time.sleep(0.2)
            self.look()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.look()

    def look(self) -> None:
        """Read the evaluations that are new."""
        for path in self.folder.glob("sweep/*/metrics.jsonl"):
            size = path.stat().st_size
            if size == self._read.get(path, 0):
                continue
            with path.open() as file:
                file.seek(self._read.get(path, 0))
                new = file.read(size - file.tell())
            whole = new[: new.rfind("\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            for row in map(json.loads, whole.splitlines()):
                self._add(row.get(self._key))

    def _add(self, score: object) -> None:
        if isinstance(score, float) and (not self.best or self._sign * score < self._sign * self.best[-1][1]):
            self.best.append((round(self.seconds, 1), score))


def pruned(case: str, clock: Clock, seed: int) -> None:
    """Search with pruning in the vectorised program."""
    clock.command(
        [
            *(*SEARCH, *CASES[case], "hydra/launcher=vectorized"),
            *(f"hydra.sweeper.n_jobs={TRIALS}", f"hydra.sweeper.timeout={LIMITS[case]}"),
            *(f"hydra.sweeper.sampler.seed={seed}", "hydra.sweeper.pruner.name=SuccessiveHalvingPruner"),
            *("+hydra.sweeper.pruner.min_resource=1", "+hydra.sweeper.pruner.reduction_factor=3"),
        ]
    )


def random(case: str, clock: Clock, seed: int) -> None:
    """Search at random, one run after another."""
    clock.command(
        [
            *(*SEARCH, *CASES[case], "hydra/launcher=vectorized", "hydra.sweeper.n_jobs=1"),
            *("hydra.sweeper.sampler.name=RandomSampler", f"hydra.sweeper.sampler.seed={seed}"),
            f"hydra.sweeper.timeout={LIMITS[case]}",
        ]
    )


def processes(case: str, clock: Clock, seed: int) -> None:
    """Search with a command for each trial."""
    space = read_space(OverridesParser.create().parse_overrides(SPACE), {})
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    while not clock.is_over:
        trial = study.ask()
        run = f"sweep/{trial.number}"
        clock.command([*SHARED, *CASES[case], *space.overrides(trial), f"hydra.run.dir={run}"])
        summary = clock.folder / run / "summary.json"
        key, sign = KEYS[case]
        score = json.loads(summary.read_text()).get("best", {}).get(key) if summary.exists() else None
        failed = optuna.trial.TrialState.FAIL
        study.tell(trial, None if score is None else sign * score, state=failed if score is None else None)


WAYS = {"pruned": pruned, "random": random, "processes": processes}


def measured(case: str, way: str, seed: int) -> dict:
    """Return what a search has reached and when, and how many trials it began."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clock = Clock(case, folder)
        WAYS[way](case, clock, seed)
        begun = sum(1 for _ in folder.glob("sweep/*/metrics.jsonl"))
        return {"best": clock.best, "trials": begun, "seconds": round(clock.seconds, 1), "seed": seed}


def reached(case: str, one: dict) -> float:
    """Return after how many seconds the stated score was reached; infinity where it was not."""
    sign = KEYS[case][1]
    return next((at for at, score in one["best"] if sign * score <= sign * TARGETS[case]), math.inf)


def best_at(one: dict, seconds: float) -> float | None:
    """Return the best score after so many seconds; None where there is none."""
    return next((score for at, score in reversed(one["best"]) if at <= seconds), None)


def table(results: dict) -> str:
    """Return the results as Markdown: medians over the rounds, with the least and the most."""
    lines = [f"- {key}: {value}" for key, value in results["machine"].items()]
    for case, rounds in results["cases"].items():
        limit = LIMITS[case]
        times = [15, 30, 60]
        heads = ["way", f"s to {KEYS[case][0]} {TARGETS[case]:g}", "times those of pruned", "trials begun"]
        heads += [f"best after {time:g} s" for time in times]
        lines += ["", f"### {case}: {len(rounds)} rounds of at most {limit:g} s a way", ""]
        lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        lines += [f"| {way} | {' | '.join(row(case, rounds, way, times))} |" for way in WAYS]
    return "\n".join(lines)


def row(case: str, rounds: list[dict], way: str, times: list[float]) -> list[str]:
    """Return the cells of a way of the table."""
    took = [reached(case, one[way]) for one in rounds]
    quickest = statistics.median(reached(case, one["pruned"]) for one in rounds)
    middle = statistics.median(took)
    ratio = LIMITS[case] / quickest if math.isinf(middle) else middle / quickest
    cells = [spread(took, case), f"{'> ' if math.isinf(middle) else ''}{ratio:.1f}"]
    cells.append(f"{statistics.median(one[way]['trials'] for one in rounds):g}")
    for at in times:
        found = [best_at(one[way], at) for one in rounds]
        cells.append("–" if None in found else f"{statistics.median(found):.4g}")
    return cells


def spread(took: list[float], case: str) -> str:
    """Return the median of seconds with their range; a limit that was reached is marked."""
    texts = [f"> {LIMITS[case]:g}" if math.isinf(one) else f"{one:.0f}" for one in sorted(took)]
    middle = statistics.median(took)
    return f"{f'> {LIMITS[case]:g}' if math.isinf(middle) else f'{middle:.0f}'} ({texts[0]} … {texts[-1]})"


def main() -> None:
    """Measure rounds of the cases asked for, and write the table of all rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument(
        "--minutes", type=float, default=7.0, help="after which no round is begun that may not fit"
    )
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    path = FOLDER / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    begun, longest = time.time(), 0.0
    while time.time() - begun + longest < 60 * arguments.minutes:
        started = time.time()
        for case in arguments.case:
            rounds = results["cases"].setdefault(case, [])
            found = {}
            for place, way in enumerate(WAYS):
                found[way] = measured(case, way, 10 * len(rounds) + place)
                told = found[way]["trials"], found[way]["best"][-1:]
                print(case, way, f"{reached(case, found[way])} s, trials and best:", *told, flush=True)
            rounds.append(found)
            results["machine"] = machine()
            path.write_text(json.dumps(results, indent=None) + "\n")
            write_between_markers(FOLDER / "README.md", "bench", table(results))
        longest = max(longest, time.time() - started)


if __name__ == "__main__":
    main()
