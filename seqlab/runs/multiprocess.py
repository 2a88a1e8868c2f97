"""One run of several processes: they connect, and only the first one prints and writes."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import jax
from omegaconf import OmegaConf

from seqlab.runs.folders import remove_empty
from seqlab.runs.objects import make_kind
from seqlab.runs.request import Request, resolve
from seqlab.tracking.lock import locked
from seqlab.training import Distributed
from seqlab.training.processes import AUTO, any_of, is_first, several, text_of_first
from seqlab.types import ConfigError

OWN_KEYS = ("distributed", "resume")
"""The keys of a config whose values may differ between the processes of a run."""


@contextlib.contextmanager
def as_one_run(request: Request) -> Generator[Request]:
    """Connect the processes that a config names, and lock the run's folder, which is that of the first.

    Raises:
        ConfigError: the config is not legal or not that of the other processes, or they do not find each
            other.
    """
    _distributed(request).connect()
    if several():
        may_differ = " and ".join(OWN_KEYS)
        require_same(digest(request), f"config and JAX_ENABLE_X64: {may_differ} alone may differ")
    with in_one_folder(request.folder) as folder:
        yield request if folder == request.folder else dataclasses.replace(request, folder=folder)


@contextlib.contextmanager
def in_one_folder(folder: Path) -> Generator[Path]:
    """Lock the folder of a run, which is that of the first process; the others are silent meanwhile."""
    if not several():
        with locked([folder]):
            yield folder
        return
    own, folder = folder.absolute(), Path(text_of_first(str(folder.absolute())))
    if is_first():
        with locked([folder]):
            yield folder
        return
    if folder != own:  # Hydra made it
        remove_empty([own])
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield folder
    finally:
        logging.disable(before)


def require_same(own: str, names: str) -> None:
    """Raise ConfigError in every process where one has another digest of its settings than the first.

    Args:
        own: the digest, of `digest_of`.
        names: what the settings are called.
    """
    if any_of(text_of_first(own) != own):
        raise ConfigError(f"the processes of a run must have the same {names}")


def digest(request: Request) -> str:
    """Return a text that is the same for two processes that train the same run in the same precision."""
    return digest_of({key: value for key, value in resolve(request.config).items() if key not in OWN_KEYS})


def digest_of(settings: Any) -> str:
    """Return a text that is the same for equal settings in the same precision."""
    text = json.dumps([settings, jax.config.read("jax_enable_x64")], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _distributed(request: Request) -> Distributed:
    """Return the settings of a config; without an address, the tasks of submitit's SLURM job are one run."""
    node = request.config.get("distributed")  # older run folders lack it
    given = {"distributed": OmegaConf.to_container(node, resolve=True)} if node is not None else None
    settings: Distributed = Distributed() if given is None else make_kind(given, "distributed", Distributed)
    is_job = os.environ.get("SUBMITIT_EXECUTOR") == "slurm"
    if settings.coordinator is None and is_job and int(os.environ.get("SLURM_NTASKS") or 1) > 1:
        return Distributed(AUTO)
    return settings
