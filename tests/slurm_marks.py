"""Marks of the tests that need a SLURM; `scripts/try_slurm.sh` starts one."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess

import pytest


def _answers() -> bool:
    return (
        shutil.which("sinfo") is not None and subprocess.run(["sinfo"], capture_output=True).returncode == 0
    )


def num_nodes() -> int:
    """Return the number of nodes of the SLURM that answers; 0 for none."""
    if not _answers():
        return 0
    shown = subprocess.run(["sinfo", "--noheader", "--format=%D"], capture_output=True, text=True, check=True)
    return sum(map(int, shown.stdout.split()))


NEEDS_SLURM = [
    pytest.mark.skipif(not _answers(), reason="no SLURM answers here: scripts/try_slurm.sh starts one"),
    pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="needs the extra slurm"),
]
