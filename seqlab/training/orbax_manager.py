"""Orbax's manager of a folder of checkpoints, which one process uses alone."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from seqlab.training.processes import several

_PLAIN = re.compile(r"[\w./-]+", re.ASCII)
"""The paths that Orbax reads and writes. It takes brackets for patterns."""


@contextlib.contextmanager
def manager_of(folder: Path, writes: bool = False) -> Generator[ocp.CheckpointManager]:
    """Open a manager, which sees the folder through a link where Orbax would misread its path.

    Args:
        folder: the folder.
        writes: whether to make the folder where there is none.
    """
    options = ocp.CheckpointManagerOptions(
        create=False, enable_async_checkpointing=False, **_of_this_process()
    )
    handler = ocp.StandardCheckpointHandler(**_of_this_process())
    if writes:
        folder.mkdir(parents=True, exist_ok=True)
    if _PLAIN.fullmatch(str(folder)):
        with ocp.CheckpointManager(folder, options=options, item_handlers=handler) as manager:
            yield manager
        return
    with tempfile.TemporaryDirectory(prefix="seqlab-") as place:
        link = Path(place) / folder.name
        link.symlink_to(folder)
        with ocp.CheckpointManager(link, options=options, item_handlers=handler) as manager:
            yield manager


def _of_this_process() -> dict[str, Any]:
    """Return Orbax's options by which a process saves and reads alone: all of them hold the whole state."""
    if not several():
        return {}
    index = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(primary_host=index, active_processes={index})
    return {"multiprocessing_options": alone}
