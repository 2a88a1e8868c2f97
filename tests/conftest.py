"""Settings of XLA and fixtures that all tests share."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from forks import Forks
from hypothesis import settings

# Every run of the suite draws the same examples, and none has a limit of time.
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")

JAXLIB = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])
FAST_COMPILATION = (
    "--xla_backend_optimization_level=0",
    "--xla_cpu_parallel_codegen_split_count=1",
    "--xla_disable_hlo_passes=hlo-verifier",  # with which XLA checks its own passes, in a sixth of the time
    # jaxlib 0.12 no longer knows this flag, and XLA aborts the process on a flag that it does not know.
    *(("--xla_cpu_use_fusion_emitters=false",) if JAXLIB < (0, 11) else ()),
)
"""Flags that make XLA generate machine code in a quarter of the time; the code runs slower.

They change no step before code generation. A value of `XLA_FLAGS` in the environment, even an empty one,
replaces them.
"""

gc.disable()  # until everything is imported and collected

# JAX reads these variables at import. Child processes and workers inherit them: two CPU devices, and
# one persistent cache of compiled programs for the whole session. Python may keep the bytecode of seqlab,
# which each of these processes would compile anew.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("XLA_FLAGS", " ".join(FAST_COMPILATION))
    _CACHE = tempfile.TemporaryDirectory(prefix="seqlab-compiled-")
    os.environ["JAX_NUM_CPU_DEVICES"] = "2"
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _CACHE.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def pytest_collection_finish():
    """Collect garbage as seldom as a command does: programs of JAX are many objects that stay."""
    from seqlab.cli.command import GARBAGE  # not above, where JAX may not be imported yet

    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 50)
    gc.enable()


@pytest.fixture(scope="session")
def command_in():
    """Run `python -m seqlab.<module> …` in a folder and return the finished process."""
    with contextlib.closing(Forks()) as forks:
        yield forks.run


@pytest.fixture
def command(command_in, tmp_path):
    """Run `python -m seqlab.<module> …` in an empty folder and return the finished process."""
    return functools.partial(command_in, tmp_path)


@pytest.fixture
def inside(monkeypatch, capsys):
    """Do the same as `command` within this process, which saves the start of another."""

    def call(module: str, *arguments: str) -> subprocess.CompletedProcess:
        line = [f"seqlab.{module}", *arguments]
        monkeypatch.setattr(sys, "argv", line)
        try:
            status = importlib.import_module(f"seqlab.{module}").main() or 0
        except SystemExit as stop:
            status = stop.code
        return subprocess.CompletedProcess(line, status, *capsys.readouterr())

    return call


@pytest.fixture
def folder(tmp_path) -> Path:
    """A run folder that does not exist yet."""
    return tmp_path / "run"
