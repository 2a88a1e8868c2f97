"""What ran? The versions and the commit behind a result."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping

from seqlab.registry import CONF

PACKAGES = ("seqlab", "jax", "flax", "optax", "hydra-core", "wandb", "datasets", "numpy")


@functools.cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python and of the packages a run rests on, those that are installed.

    They are asked for once a process, as is the commit: what runs was loaded at its start.
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def git_commit() -> str | None:
    """Return the commit of the checkout that seqlab runs from, `-dirty` if changed; None outside of one."""
    if not (CONF.parent / ".git").exists():
        return None
    describe = [
        "git",
        "-C",
        str(CONF.parent),
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty",
        "--exclude=*",
    ]
    try:
        answer = subprocess.run(describe, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
