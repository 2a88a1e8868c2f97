"""Soak test: many kills, signals, corruptions, changed configs and fuzzed overrides; it prints counts.

`make soak` runs it with its default counts; `make soak ARGS="--kills 24 --fuzz 100"` with others.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kills import ADDING, assert_same_end, files_of, rows_of
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import build, compose_request
from seqlab.types import ConfigError

SLOW = ["training.steps=300", "training.steps_per_call=3", "training.checkpoint_every=11"]
SLOW += ["training.log_every=7", "training.eval_every=13"]
KINDS = {
    "plain": ADDING,
    "gru, two layers": [*ADDING, "cell=gru", "architecture.num_layers=2"],
    "dropout": [*ADDING, "cell=lstm", "architecture.num_layers=2", "architecture.dropout=0.3"],
    "patience": [*ADDING, "training.patience=5", "optimizer.learning_rate=1e-12"],
    "sgd with momentum": [*ADDING, "optimizer=sgd", "optimizer.momentum=0.9"],
    "schedule": [*ADDING, "schedule=cosine"],
    "curriculum": tiny("even_pairs", "many_to_one", "task.curriculum=growing", "training.devices=1"),
    "stream": tiny("python_docs", "many_to_many", "task.stream=true"),
    "encoder-decoder": tiny("reverse_string", "encoder_decoder", "training.devices=1"),
    "full diagnostics": [*ADDING, "gradients=full", "gradients.every=20"],
    "skip": [*ADDING, "training.on_nonfinite=skip"],
    "two devices": tiny("adding", "many_to_one", "training.devices=2", "training.batch_size=16"),
}
Count = collections.Counter[str]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "seqlab.train", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "HYDRA_FULL_ERROR": "0"},
    )


def wait_for_rows(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    """Wait until a run has logged rows, or has ended."""
    path = folder / "metrics.jsonl"
    while process.poll() is None and (not path.exists() or path.read_text().count("\n") < count):
        time.sleep(0.002)


def same_end(whole: Path, folder: Path) -> str:
    """Return "equal", or in what two runs differ."""
    try:
        assert_same_end(whole, folder)
    except AssertionError:
        return "rows differ" if rows_of(whole) != rows_of(folder) else "state differs"
    return "equal"


def stops(root: Path, count: int, draw: random.Random, numbers: list[int]) -> Iterator[tuple[str, str]]:
    """Stop runs by signals, resume them until they end, and compare them with whole ones."""
    wholes: dict[str, Path] = {}
    for index in range(count):
        kind = [*KINDS][index % len(KINDS)]
        settings = [*KINDS[kind], *SLOW]
        if kind not in wholes:
            wholes[kind] = root / f"whole_{len(wholes)}"
            run([*settings, f"hydra.run.dir={wholes[kind]}"])
        folder = root / f"stopped_{index}"
        number = numbers[index % len(numbers)]
        for _ in range(1 + index % 2):  # every other run is stopped twice
            process = start(*settings, f"hydra.run.dir={folder}", "resume=auto")
            wait_for_rows(process, folder, draw.randrange(2, 60))
            time.sleep(draw.random() * 0.03)
            process.send_signal(number)
            output = process.communicate(timeout=120)[0]
            if "Traceback" in output:
                yield kind, "traceback"
        process = start(*settings, f"hydra.run.dir={folder}", "resume=auto")
        output = process.communicate(timeout=300)[0]
        if process.returncode or "Traceback" in output:
            yield kind, f"not resumed: {output.strip().splitlines()[-1][:200]}"
        else:
            yield kind, same_end(wholes[kind], folder)
        shutil.rmtree(folder)


def corruptions(root: Path, count: int, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Damage one file of a run, and see whether it is noticed or harmless."""
    settings = [*ADDING, "training.steps=12", "training.checkpoint_every=4", "training.eval_every=3"]
    whole = root / "whole"
    run([*settings, f"hydra.run.dir={whole}"])
    files = sorted(str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file())
    for index in range(count):
        folder = Path(shutil.copytree(whole, root / f"damaged_{index}"))
        (folder / "summary.json").unlink()
        name = draw.choice([name for name in files if name != "summary.json"])
        path, how = folder / name, draw.choice(["empty", "cut", "removed", "scrambled"])
        content = path.read_bytes()
        half = len(content) // 2
        if how == "removed":
            path.unlink()
        else:
            scrambled = bytes(draw.randrange(256) for _ in content)
            path.write_bytes({"empty": b"", "cut": content[:half], "scrambled": scrambled}[how])
        try:
            run([*settings, f"hydra.run.dir={folder}", "resume=auto"])
            yield name.split("/")[0], same_end(whole, folder)
        except ConfigError:
            yield name.split("/")[0], "refused in one line"
        except Exception as error:
            yield name.split("/")[0], f"traceback: {how} {name}: {type(error).__name__}"
        shutil.rmtree(folder)


CHANGES = (
    *("seed=5", "training.batch_size=8", "task.length=9", "architecture.dropout=0.1", "schedule=linear"),
    *("optimizer.learning_rate=0.1", "optimizer=sgd", "cell=gru", "cell.features=5", "training.steps=3"),
    *("architecture.num_layers=2", "training.clip_norm=0.5", "training.evaluation_batch_size=32"),
    *("cell.recurrent_init=identity", "training.bptt_window=2"),
)


def changes(root: Path, count: int, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Resume a run with another config; each must be refused, and change nothing."""
    folder, settings = root / "run", [*ADDING, "training.steps=6"]
    run([*settings, f"hydra.run.dir={folder}"])
    before = files_of(folder)
    for index in range(count):
        change = CHANGES[index % len(CHANGES)]
        resume = draw.choice(["resume=auto", f"resume={folder}"])
        try:
            run([*settings, "training.steps=9", change, f"hydra.run.dir={folder}", resume])
            yield "changed config", f"accepted: {change}"
        except ConfigError:
            yield "changed config", "refused" if files_of(folder) == before else f"files changed: {change}"


def fuzzed(count: int, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Build runs from random overrides."""
    config = compose_request(["task=adding"]).config
    keys = [f"{group}.{key}" for group in ("cell", "training", "task", "optimizer") for key in config[group]]
    keys += ["cell", "task", "sweep", "tracking", "seed", "schedule", "schedule.value", "gradients._target_"]
    values = ["null", "-1", "0", "1.5", "a", "[]", "{}", "${seed}", "${x}", "seqlab.cells.LSTM", "1e400", "="]
    for _ in range(count):
        words = [
            f"{draw.choice(['', '+', '++', '~'])}{draw.choice(keys)}={draw.choice(values)}"
            for _ in range(draw.randrange(1, 4))
        ]
        try:
            build(compose_request(["task=adding", *words]))
            yield "overrides", "legal"
        except ConfigError as error:
            yield "overrides", "refused in one line" if "\n" not in str(error) else f"lines: {words}"
        except Exception as error:
            yield "overrides", f"traceback: {words}: {type(error).__name__}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in {"kills": 200, "signals": 30, "corruptions": 60, "changes": 30, "fuzz": 500}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    polite = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP")]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name, found in {
            "kills": stops(root / "kills", options.kills, draw, [signal.SIGKILL]),
            "signals": stops(root / "signals", options.signals, draw, polite),
            "corruptions": corruptions(root / "corruptions", options.corruptions, draw),
            "changes": changes(root / "changes", options.changes, draw),
            "fuzz": fuzzed(options.fuzz, draw),
        }.items():
            counts: dict[str, Count] = collections.defaultdict(collections.Counter)
            for kind, result in found:
                counts[kind][result] += 1
            print(name, json.dumps(counts, indent=2), flush=True)


if __name__ == "__main__":
    main()
