"""Changed configs and fuzzed overrides: what is not legal is refused in one line and changes nothing."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
from hypothesis import strategies as st
from kills import ADDING, files_of, whole_and_killed
from test_fuzzed_overrides import LARGE, OVERRIDE

from seqlab import run
from seqlab.tracking import read_summary
from seqlab.types import ConfigError
from soak.stops import Result

CHANGES = (
    *("seed=5", "training.batch_size=8", "task.length=9", "task.num_evaluation_examples=17"),
    *(
        "optimizer.learning_rate=0.1",
        "optimizer=sgd",
        "optimizer=adamw",
        "optimizer=rmsprop",
        "optimizer.b1=0.5",
    ),
    *("cell=gru", "cell=lstm", "cell.features=5", "cell.activation=relu", "cell.recurrent_init=identity"),
    *("architecture.num_layers=2", "architecture.dropout=0.1", "architecture.bidirectional=true"),
    *("architecture.zoneout=0.1", "architecture=many_to_many", "task=copy_memory", "task=temporal_order"),
    *("training.clip_norm=0.5", "training.clip_norm=null", "training.clip_value=1", "training.bptt_window=2"),
    *("training.omega=0.1", "training.clip_recurrent=1", "training.evaluation_batch_size=32"),
    *("schedule=linear", "schedule=cosine", "training.steps=3", "loss=optax"),
)
"""Changes that a resume may not make."""

SECONDS = 60
"""How long a command may take."""


def changes(root: Path, count: int, draw: random.Random) -> Iterator[Result]:
    """Resume a killed or a finished run with another config."""
    if not count:
        return
    settings = [*ADDING, "training.steps=9", "training.checkpoint_every=4"]
    whole, killed = whole_and_killed(root, settings)
    before = {folder: files_of(folder) for folder in (whole, killed[8])}
    for index in range(count):
        change, folder = CHANGES[index % len(CHANGES)], draw.choice([whole, killed[8]])
        place = draw.choice([folder, root / "elsewhere"])
        resume = "auto" if place == folder else folder
        try:
            run([*settings, "training.steps=12", change, f"hydra.run.dir={place}", f"resume={resume}"])
            result = "accepted"
        except ConfigError as error:
            result = "refused in one line" if "\n" not in str(error) else "several lines"
        except Exception as error:
            result = f"traceback: {type(error).__name__}: {error}"
        if files_of(folder) != before[folder]:
            result = "the folder was changed"
        yield "changed configs", f"{change} of {folder.name}", result
        shutil.rmtree(root / "elsewhere", ignore_errors=True)


def fuzzed(root: Path, count: int, seed: int) -> Iterator[Result]:
    """Run fuzzed sets of overrides for one step."""
    seen: list[Result] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=max(1, count),
        deadline=None,
        database=None,
        suppress_health_check=[*hypothesis.HealthCheck],
    )
    @hypothesis.given(st.lists(OVERRIDE, min_size=1, max_size=3))
    def tried(words: list[str]) -> None:
        if len(seen) < count and not any(word.lstrip("+").startswith(LARGE) for word in words):
            seen.append(("fuzzed sets", repr(words), _run(words, root / "run")))
            shutil.rmtree(root / "run", ignore_errors=True)

    if count:
        tried()
    yield from seen


def _run(words: list[str], folder: Path) -> str:
    begun = time.perf_counter()
    try:
        summary = run([*ADDING, *words, "training.steps=1", f"hydra.run.dir={folder}"])
        result = "trained" if summary["status"] in ("finished", "diverged") else str(summary["status"])
    except ConfigError as error:
        result = _refusal(words, str(error), folder)
    except Exception as error:
        result = f"traceback: {type(error).__name__}: {str(error)[:300]}"
    seconds = time.perf_counter() - begun
    return result if seconds < SECONDS else f"{result} after {seconds:.0f} s"


def _refusal(words: list[str], message: str, folder: Path) -> str:
    keys = [word.lstrip("+~").partition("=")[0] for word in words]
    names = {part for key in keys for part in (key, *key.replace("@", ".").split(".")) if part}
    if "\n" in message or not (
        any(name in message for name in names) or any(" ".join(word.split()) in message for word in words)
    ):
        return f"names no key: {message[:300]}"
    if (folder / "summary.json").exists() and read_summary(folder)["status"] not in (
        "failed",
        "incompatible",
    ):
        return "the folder lies"
    return "refused in one line"
