"""What all tests share."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

QUICKLY = (
    "--xla_backend_optimization_level=0",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_parallel_codegen_split_count=1",
)
"""The flags with which XLA spends a quarter of the time on its machine code, which runs slower.

What XLA makes of a program before that is as ever. Flags in `XLA_FLAGS`, even none, take their place.
"""

# Before JAX loads, for commands started by tests and for other workers too: two devices, and one cache of
# compiled programs.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ.setdefault("XLA_FLAGS", " ".join(QUICKLY))
    _CACHE = tempfile.TemporaryDirectory(prefix="seqlab-compiled-")
    os.environ["JAX_NUM_CPU_DEVICES"] = "2"
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _CACHE.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


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
def inside(monkeypatch, capsys):
    """Do what `command` does in this process, which spares the start of another."""

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
