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
    if not several():
        with locked([request.folder]):
            yield request
        return
    _require_same(request)
    own, folder = request.folder.absolute(), Path(text_of_first(str(request.folder.absolute())))
    request = dataclasses.replace(request, folder=folder)
    if is_first():
        with locked([folder]):
            yield request
        return
    if folder != own:  # Hydra made it
        remove_empty([own])
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield request
    finally:
        logging.disable(before)


def _require_same(request: Request) -> None:
    """Raise ConfigError in every process where one has another config or precision than the first."""
    own = digest(request)
    if any_of(text_of_first(own) != own):
        raise ConfigError(
            "the processes of a run must have the same config and the same JAX_ENABLE_X64: "
            f"all keys but {' and '.join(OWN_KEYS)} must be equal"
        )


def digest(request: Request) -> str:
    """Return a text that is the same for two processes that train the same run in the same precision."""
    config = {key: value for key, value in resolve(request.config).items() if key not in OWN_KEYS}
    text = json.dumps([config, jax.config.read("jax_enable_x64")], sort_keys=True)
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
