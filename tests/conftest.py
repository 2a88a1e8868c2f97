"""What all tests share: tiny runs, and every choice there is to parametrise over."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Before JAX loads, for commands started by tests too: two devices, and one cache of compiled programs.
_CACHE = tempfile.TemporaryDirectory(prefix="seqlab-compiled-")
os.environ["JAX_NUM_CPU_DEVICES"] = "2"
os.environ["JAX_COMPILATION_CACHE_DIR"] = _CACHE.name
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

import pytest  # noqa: E402
import yaml  # noqa: E402

from seqlab.paths import CONF  # noqa: E402
from seqlab.tasks import load_task, task_names  # noqa: E402

CELLS = sorted(path.stem for path in (CONF / "cell").glob("*.yaml"))
FRAMINGS = [(name, architecture) for name in task_names() for architecture in load_task(name).architectures]

TINY = [
    *("cell.features=4", "training.batch_size=4", "training.evaluation_batch_size=64"),
    *("training.log_every=1", "tracking.wandb.mode=disabled", "tracking.console.mode=off"),
]
"""Overrides that make any run quick and quiet."""


def tiny(task: str, architecture: str, *overrides: str) -> list[str]:
    """Return the overrides of a quick run of a pair."""
    fields = yaml.safe_load((CONF / "task" / f"{task}.yaml").read_text())
    short = ["task.length=6"] if "length" in fields else []
    few = ["task.num_evaluation_examples=16"] if "num_evaluation_examples" in fields else []
    return [f"task={task}", f"architecture={architecture}", *TINY, *short, *few, *overrides]


@pytest.fixture
def command(tmp_path):
    """Run `python -m seqlab.<module> …` in an empty folder and return the finished process."""

    def call(module: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", f"seqlab.{module}", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "HYDRA_FULL_ERROR": "0"},
        )

    return call


@pytest.fixture
def folder(tmp_path) -> Path:
    """A run folder that does not exist yet."""
    return tmp_path / "run"
