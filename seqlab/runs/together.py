"""One run of several processes: they find each other, and only the first tells what happens and writes."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Generator
from pathlib import Path

from omegaconf import OmegaConf

from seqlab.runs.folders import remove_empty
from seqlab.runs.objects import make_kind
from seqlab.runs.request import Request
from seqlab.tracking.lock import locked
from seqlab.training import Distributed
from seqlab.training.processes import AUTO, is_first, several, text_of_first


@contextlib.contextmanager
def as_one_run(request: Request) -> Generator[Request]:
    """Connect the processes that a config names, and lock the run's folder, which is that of the first.

    Raises:
        ConfigError: the config is not legal, or the processes do not find each other.
    """
    _distributed(request).connect()
    if not several():
        with locked([request.folder]):
            yield request
        return
    own, folder = request.folder.absolute(), Path(text_of_first(str(request.folder.absolute())))
    request = dataclasses.replace(request, folder=folder)
    if is_first():
        with locked([folder]):
            yield request
        return
    if folder != own:  # Hydra made it
        remove_empty([own])
    logging.disable(logging.CRITICAL)
    yield request


def _distributed(request: Request) -> Distributed:
    """Return the settings of a config; without an address, the tasks of submitit's SLURM job are one run."""
    node = request.config.get("distributed")  # older run folders lack it
    given = {"distributed": OmegaConf.to_container(node, resolve=True)} if node is not None else None
    settings: Distributed = Distributed() if given is None else make_kind(given, "distributed", Distributed)
    is_job = os.environ.get("SUBMITIT_EXECUTOR") == "slurm"
    if settings.coordinator is None and is_job and int(os.environ.get("SLURM_NTASKS") or 1) > 1:
        return Distributed(AUTO)
    return settings
