"""Versions and commit behind a result."""

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
    """Return the versions of Python and of the main packages, without those that are not installed.

    They are read once a process: upgrading a package while it runs does not change what was imported.
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
    """Return the commit of the checkout that seqlab runs from, with `-dirty` where files are changed.

    It is None outside of a checkout. It is read once a process, as `versions`.
    """
    checkout = CONF.parent
    if not (checkout / ".git").exists():
        return None
    options = ("--always", "--abbrev=40", "--dirty", "--exclude=*")
    describe = ["git", "-C", str(checkout), "describe", *options]
    try:
        answer = subprocess.run(describe, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
