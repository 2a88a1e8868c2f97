"""Kinds of runs and sweeps that the soak test stops, damages and resumes."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kills import ADDING, assert_same_end, rows_of
from tiny_runs import TINY, tiny

from seqlab import run
from seqlab.cli import train
from seqlab.tracking import find_runs, read_summary, write_atomically

SHORT = [
    *("training.steps=40", "training.steps_per_call=3", "training.checkpoint_every=11"),
    *("training.log_every=7", "training.eval_every=9"),
]
"""Cadences of which none divides another, so that most kills fall into an open averaging window."""

FLAT = ["optimizer=sgd", "optimizer.learning_rate=1e-30"]
"""An optimiser that never improves, so that patience ends a run."""

UNSTABLE = [
    *(*ADDING, "cell.activation=identity", "training.clip_norm=null", "optimizer=sgd"),
    "optimizer.learning_rate=1.5",
]


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        words: its overrides.
        is_sweep: whether it is a sweep, in a process of its own a command with `-m`.
    """

    words: tuple[str, ...]
    is_sweep: bool = False

    def train(self, folder: Path, resume: bool = False) -> str:
        """Train or resume it in this process; return "ended", or in one line what went wrong."""
        if not self.is_sweep:
            summary = run([*self.words, f"hydra.run.dir={folder}", *["resume=auto"] * resume])
            return "ended" if summary["status"] in ("finished", "diverged") else str(summary["status"])
        words = [f"sweep.resume={folder}"] if resume else [*self.words, f"hydra.sweep.dir={folder}"]
        status, output = command("-m", *words)
        return output.strip().splitlines()[-1][:200] if status else "ended"


def command(*words: str) -> tuple[int, str]:
    """Call the training command in this process; return its exit status and what it printed."""
    before, sys.argv = sys.argv, ["seqlab.train", *words]
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            train.main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0) if not isinstance(end.code, str) else 1
    finally:
        sys.argv = before
    return status, output.getvalue()


def difference(whole: Path, other: Path) -> str:
    """Return "equal", or in what two runs or sweeps differ."""
    folders = [path.relative_to(whole) for path in find_runs(whole)]
    if folders != [path.relative_to(other) for path in find_runs(other)]:
        return "a folder is missing"
    for name in folders:
        one, two = whole / name, other / name
        try:
            assert_same_end(one, two)
        except AssertionError as error:
            if rows_of(one) != rows_of(two):
                return f"{name}: rows differ"
            return f"{name}: {' '.join(str(error).split())[:80]} differs"
        if len(read_summary(two)["resumed"]) > 2:
            return f"{name}: resumed too often"
    return "equal"


def _alone(*words: str) -> Kind:
    return Kind((*words, *SHORT))


def _sweep(*words: str) -> Kind:
    return Kind((*ADDING, *SHORT, "seed=0,1,2", "hydra.hydra_logging.root.level=ERROR", *words), True)


def _write_texts() -> Path:
    """Return a file of labelled texts, which every process of the soak test reads."""
    path = Path(tempfile.gettempdir()) / "seqlab-soak-texts.csv"
    rows = [f"a {word} film of {n},{label}" for n in range(40) for word, label in (("good", 1), ("bad", 0))]
    if not path.exists():
        write_atomically(path, "\n".join(["text,label", *rows, ""]))
    return path


TEXTS = (
    *("task=text_classification", f"task.source={_write_texts()}"),
    *("task.text=text", "task.label=label"),
)
VECTORIZED = ("hydra/launcher=vectorized", "hydra.launcher.devices=1")

KINDS: Mapping[str, Kind] = {
    "plain": _alone(*ADDING),
    "two layers of GRU": _alone(*ADDING, "cell=gru", "architecture.num_layers=2"),
    "dropout": _alone(*ADDING, "cell=lstm", "architecture.num_layers=2", "architecture.dropout=0.3"),
    "schedule": _alone(*ADDING, "optimizer=sgd", "optimizer.momentum=0.9", "schedule=cosine"),
    "two devices": _alone(*tiny("adding", "many_to_one", "training.devices=2", "training.batch_size=16")),
    "stream": _alone(*tiny("python_docs", "many_to_many", "task.stream=true")),
    "curriculum": _alone(*tiny("even_pairs", "many_to_one", "task.curriculum=growing", "training.devices=1")),
    "encoder-decoder": _alone(*tiny("reverse_string", "encoder_decoder", "training.devices=1")),
    "scheduled sampling": _alone(
        *tiny("reverse_string", "encoder_decoder", "training.devices=1"),
        *("architecture.scheduled_sampling=0.5", "architecture.attention=luong"),
    ),
    "file": _alone(*TINY, *TEXTS, "architecture=many_to_one", "training.devices=1"),
    "patience": _alone(*ADDING, *FLAT, "training.patience=2"),
    "gradients=full": _alone(*ADDING, "gradients=full", "gradients.every=20"),
    "on_nonfinite=skip": _alone(*UNSTABLE, "training.on_nonfinite=skip"),
    "on_nonfinite=restore": _alone(*UNSTABLE, "training.on_nonfinite=restore", "training.steps=30"),
    "sweep": _sweep(),
    "vectorised sweep": _sweep(*VECTORIZED, "hydra.launcher.vmap_size=3"),
    "vectorised sweep with patience": _sweep(
        *(*VECTORIZED, "hydra.launcher.vmap_size=2", "training.patience=1", *FLAT[:1]),
        "optimizer.learning_rate=1e-30,0.1",
    ),
}
